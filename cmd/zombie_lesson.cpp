// fork --zombie, fork --orphan: one child and its parent, of whom one ends before the other.
#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "cmd/life_lessons.h"
#include "cmd/shared.h"
#include "cmd/sighting.h"
#include "job/deadlines.h"
#include "process/fork.h"
#include "process/process.h"

namespace procrun::cmd {
namespace {

using Heard = Cue::Heard;

void say_parent(pid_t ret) {
  print_line(fmt::format("Parent process ret={}", ret));
  print_line(fmt::format("{}", ::getpid()));
}

void say_child() {
  print_line("child process");
  print_line(fmt::format("{}", ::getpid()));
}

void say_both() { print_line(fmt::format("{}", ::getpid())); }

/// What a player does when the watcher is gone: leaves no child behind.
void reap_children() {
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

Watcher hear_child(Stage& stage, pid_t parent) {
  const auto child = stage.hear();
  if (!child) throw std::runtime_error("the child has ended before it began");
  stage.chronicle().forked(*child, parent, "child process");
  return Watcher{*child};
}

struct ZombieCues {
  Cue& child_ends;
  Cue& zombie_seen;
  Cue& never;
};

void play_parent_of_zombie(Stage& stage, const ZombieCues& cues, sys::Duration lives_on) {
  const pid_t ret = procrun::fork();
  if (ret == 0) {
    run_and_leave([&] {
      say_child();
      stage.tell(::getpid());
      if (cues.child_ends.await() == Heard::Given) say_both();
    });
  }
  stage.tell_no_more();
  say_parent(ret);
  if (cues.zombie_seen.await() == Heard::Given &&
      cues.never.await(job::after(sys::Clock::now(), lives_on)) == Heard::TimeUp) {
    say_both();  // and leaves, without having waited
  } else {
    reap_children();
  }
}

struct OrphanCues {
  Cue& parent_ends;
  Cue& adoption_seen;
  Cue& never;
};

void play_orphan(Stage& stage, const OrphanCues& cues, sys::Duration lives_on) {
  const pid_t parent = ::getppid();
  say_child();
  print_line(fmt::format("{}: my parent is {}", ::getpid(), parent));
  stage.tell(::getpid());
  if (cues.adoption_seen.await() != Heard::Given) return;
  print_line(fmt::format("{}: my parent was {} and is {}", ::getpid(), parent, ::getppid()));
  if (cues.never.await(job::after(sys::Clock::now(), lives_on)) == Heard::TimeUp) say_both();
}

void play_parent_of_orphan(Stage& stage, const OrphanCues& cues, sys::Duration lives_on) {
  const pid_t ret = procrun::fork();
  if (ret == 0) run_and_leave([&] { play_orphan(stage, cues, lives_on); });
  stage.tell_no_more();
  say_parent(ret);
  if (cues.parent_ends.await() == Heard::Given) {
    say_both();
  } else {
    reap_children();
  }
}

}  // namespace

void zombie_story(Stage& stage, sys::Duration lives_on) {
  stage.say(fmt::format("watcher process id {}", ::getpid()));
  const ZombieCues cues{stage.cue(), stage.cue(), stage.cue()};
  const pid_t parent = stage.start([&] { play_parent_of_zombie(stage, cues, lives_on); });
  std::vector<Watcher> child;
  child.push_back(hear_child(stage, parent));
  stage.say("watcher: " + described(child[0]));
  cues.child_ends.give();
  stage.wait(child[0].pidfd(), POLLIN);
  stage.chronicle().zombie(child[0].pid(), parent);
  stage.say("watcher: " + described(child[0]));
  stage.explain(
      {"The child has ended, and its memory and files are given back.",
       "Its entry stays in the table of processes, with its pid and its exit status, until "
       "its parent asks for that status by wait(): so long it is a zombie.",
       "It cannot be killed, it is dead. The parent has to wait, or to end."});
  cues.zombie_seen.give();
  stage.say(fmt::format("watcher: {} {}", parent, ended_text(stage.join())));
  const auto adopter = tell_adoption(stage, child);
  tell_reaping(stage, child, adopter);
  stage.explain(
      {"When a parent ends, its children get a new one: the nearest ancestor that has made "
       "itself a subreaper, else PID 1.",
       "A new parent that is worth its name waits for them, zombies too.",
       "So a zombie is a fault of its parent, and goes when that parent goes."});
}

void orphan_story(Stage& stage, sys::Duration lives_on) {
  stage.say(fmt::format("watcher process id {}", ::getpid()));
  const OrphanCues cues{stage.cue(), stage.cue(), stage.cue()};
  const pid_t parent = stage.start([&] { play_parent_of_orphan(stage, cues, lives_on); });
  std::vector<Watcher> child;
  child.push_back(hear_child(stage, parent));
  stage.say("watcher: " + described(child[0]));
  cues.parent_ends.give();
  stage.say(fmt::format("watcher: {} {}", parent, ended_text(stage.join())));
  stage.say("watcher: " + described(child[0]));
  const auto adopter = tell_adoption(stage, child);
  stage.explain(
      {"The parent ended first, so its child became an orphan, and got a new parent at once.",
       "That is not always PID 1: the nearest ancestor that has made itself a subreaper "
       "(systemd --user, tini -s, a container's shim) comes first.",
       "The child runs on and notices nothing, unless it asks for its parent's pid."});
  cues.adoption_seen.give();
  stage.wait(child[0].pidfd(), POLLIN);
  tell_reaping(stage, child, adopter);
  stage.explain({"Whoever adopted it has to reap it.",
                 "A child that must not outlive its parent asks the kernel for a signal at that "
                 "moment (prctl PR_SET_PDEATHSIG), or is ended by its parent before."});
}

}  // namespace procrun::cmd
