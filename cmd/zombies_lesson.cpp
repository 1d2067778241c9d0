// fork --count N --zombie [--max-children M]: a parent that goes on forking and never waits.
#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "cmd/life_lessons.h"
#include "cmd/shared.h"
#include "cmd/sighting.h"
#include "job/deadlines.h"
#include "process/child_limit.h"
#include "process/fork.h"
#include "process/process.h"

namespace procrun::cmd {
namespace {

using Heard = Cue::Heard;

std::string text_of(const ChildLimit& limit, int most) {
  const std::string may =
      fmt::format("{} may have {} processes (RLIMIT_NPROC)", ::getpid(), limit.processes);
  switch (limit.way) {
    case ChildLimit::Way::UnusedUser:
      return fmt::format("{}, itself and {}: it has become user {}, whom nobody else has", may,
                         most, limit.user);
    case ChildLimit::Way::UserNamespace:
      return fmt::format("{}, itself and {}: it is alone in a user namespace of its own", may,
                         most);
    case ChildLimit::Way::CountedUser:
      return fmt::format("{}: itself, {} that user {} has besides, and {}", may, limit.others,
                         limit.user, most);
    case ChildLimit::Way::None:
      break;
  }
  return "the limit cannot be shown here: " + limit.why;
}

/// fork(), and what Python says where the kernel refuses it for now; -1 then.
pid_t fork_or_tell() {
  try {
    return procrun::fork();
  } catch (const std::system_error& error) {
    if (error.code().value() != EAGAIN) throw;
    print_line(fmt::format("fork: BlockingIOError: [Errno {}] {}", error.code().value(),
                           error.code().message()));
    return -1;
  }
}

/// Forks until it has done so often enough, or is refused.
void fork_on(Stage& stage, int times) {
  for (int forked = 0; forked < times; ++forked) {
    const pid_t ret = fork_or_tell();
    if (ret == -1) return;
    if (ret == 0) {
      run_and_leave([] {
        print_line("child process");
        print_line(fmt::format("{}", ::getpid()));
      });
    }
    stage.tell(ret);
    print_line(fmt::format("Parent process ret={}", ret));
  }
}

void play_parent(Stage& stage, const Zombies& zombies, const Cue& seen, const Cue& never) {
  int times = zombies.count;
  if (zombies.most) {
    const ChildLimit limit = limit_children(static_cast<std::uint64_t>(*zombies.most));
    print_line(text_of(limit, *zombies.most));
    if (limit.way == ChildLimit::Way::None) return;
    // One more than it may, and not one further where the kernel lets it.
    times = std::min(times, *zombies.most + 1);
  }
  print_line(fmt::format("{}", ::getpid()));
  fork_on(stage, std::min(times, kMostZombies));
  stage.tell_no_more();
  const bool to_the_end =
      seen.await() == Heard::Given &&
      never.await(job::after(sys::Clock::now(), zombies.lives_on)) == Heard::TimeUp;
  if (to_the_end) {
    print_line(fmt::format("{}", ::getpid()));
    return;
  }
  while (::waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
}

std::vector<Watcher> hear_children(Stage& stage, pid_t parent) {
  std::vector<Watcher> children;
  while (const auto pid = stage.hear()) {
    children.emplace_back(*pid);
    stage.chronicle().forked(*pid, parent, "child process");
  }
  for (const Watcher& child : children) {
    stage.wait(child.pidfd(), POLLIN);
    stage.chronicle().zombie(child.pid(), parent);
  }
  return children;
}

void tell_zombies(Stage& stage, const std::vector<Watcher>& children, pid_t parent) {
  std::size_t zombies = 0;
  std::size_t with_memory = 0;
  bool shown = true;
  for (const Watcher& child : children) {
    const Sight sight = child.look();
    shown = shown && sight.status;
    zombies += sight.status && sight.status->state.starts_with('Z') ? 1 : 0;
    with_memory += sight.status && !sight.status->resident.empty() ? 1 : 0;
  }
  const std::string states =
      shown ? fmt::format("{} in state Z (zombie), {} with memory (VmRSS)", zombies, with_memory)
            : "all ended and not reaped; /proc does not show them here";
  const auto limit = sys::process_limit_of(parent);
  stage.say(fmt::format("watcher: {} has {} {}: {}; its RLIMIT_NPROC: {}", named(parent),
                        children.size(), children.size() == 1 ? "child" : "children", states,
                        limit ? *limit : "/proc does not show it"));
}

}  // namespace

void zombies_story(Stage& stage, const Zombies& zombies) {
  stage.say(fmt::format("watcher process id {}", ::getpid()));
  Cue& seen = stage.cue();
  Cue& never = stage.cue();
  const pid_t parent = stage.start([&] { play_parent(stage, zombies, seen, never); });
  const std::vector<Watcher> children = hear_children(stage, parent);
  if (!children.empty()) tell_zombies(stage, children, parent);
  if (zombies.most && static_cast<int>(children.size()) > *zombies.most) {
    stage.say(
        "watcher: that is more than it may have: here the kernel holds it to no limit, which "
        "therefore cannot be shown");
  }
  stage.explain(
      {"The parent forks and never waits, so each child that ends stays as a zombie, and "
       "each zombie takes a place among the processes that its user may have.",
       "When the places are taken fork fails (EAGAIN), for this parent and for whatever "
       "else its user starts.",
       "The cure is to wait for each child: wait(), waitpid(), or Process.join()."});
  seen.give();
  stage.say(fmt::format("watcher: {} {}", parent, ended_text(stage.join())));
  if (children.empty()) return;
  const auto adopter = tell_adoption(stage, children);
  tell_reaping(stage, children, adopter);
}

}  // namespace procrun::cmd
