#include "cmd/waitpid_lesson.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "cmd/chronicle.h"
#include "cmd/events.h"
#include "cmd/family.h"
#include "process/fork.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace procrun::cmd {
namespace {

enum class End { Exit, Kill };

/// A child that announces itself, sleeps and ends.
int play_child(const Speed& speed, double seconds, End end, int code) {
  const std::string how = end == End::Exit ? fmt::format("exits with code {}", code)
                                           : std::string{"is killed by signal 9 (KILL)"};
  print_line(fmt::format("child process {} sleeps {:.3g}s, then {}", ::getpid(),
                         seconds / speed.factor, how));
  speed.sleep(seconds);
  if (end == End::Kill) ::raise(SIGKILL);
  return code;
}

/// A child that stops itself and, when it goes on, does not end before `seen` is closed: of a child
/// that has ended meanwhile waitpid no longer tells that it went on.
int play_child_that_stops(const Speed& speed, sys::Pipe& seen) {
  seen.write.reset();
  print_line(fmt::format("child process {} sleeps {:.3g}s, then stops itself", ::getpid(),
                         0.1 / speed.factor));
  speed.sleep(0.1);
  ::raise(SIGSTOP);
  char byte = 0;
  sys::retry("wait for the parent", [&] { return ::read(seen.read.get(), &byte, 1); });
  return 0;
}

std::string options_text(int options) {
  switch (options) {
    case WNOHANG:
      return "WNOHANG";
    case WUNTRACED:
      return "WUNTRACED";
    case WCONTINUED:
      return "WCONTINUED";
    default:
      return "0";
  }
}

/// Calls waitpid and prints what it was asked and what it answered.
void show(Family& family, pid_t pid, int options, const std::string& remark = {}) {
  const std::string call = fmt::format("waitpid({}, {})", pid, options_text(options));
  try {
    const Waited waited = family.waitpid(pid, options);
    const std::string how = waited.pid == 0 ? std::string{"it still runs"} : waited.status.text();
    family.say(
        fmt::format("{} = ({}, {})  {}{}", call, waited.pid, waited.status.raw(), how, remark));
  } catch (const std::system_error& error) {
    if (error.code().value() != ECHILD) throw;
    family.say(fmt::format("{}: ChildProcessError: [Errno {}] {}{}", call, error.code().value(),
                           error.code().message(), remark));
  }
}

void show_stop_and_continue(const WaitpidLesson& lesson, Family& family) {
  sys::Pipe seen = sys::make_pipe();
  const pid_t pid = family.fork([&] { return play_child_that_stops(lesson.speed, seen); });
  if (lesson.untraced) {
    show(family, pid, WUNTRACED);
  } else {
    family.await(pid, WUNTRACED);  // it must stop before it can go on; nothing of that is shown
  }
  ::kill(pid, SIGCONT);
  if (lesson.continued) show(family, pid, WCONTINUED);
  seen.write.reset();
  show(family, pid, 0);
}

/// Asks for a process that is not our child: our parent, if our namespace shows it.
void show_stranger(Family& family) {
  if (::getppid() != 0) {
    show(family, ::getppid(), 0, ": a process, but not our child");
  } else {
    show(family, ::getpid(), 0, ": this very process, which is not its own child");
  }
}

void explain_options(const WaitpidLesson& lesson) {
  if (lesson.nohang) {
    explain(lesson.explains,
            {"With WNOHANG waitpid does not sleep: pid 0 says that the child is there and still "
             "runs.",
             "A program that has other work asks so, again and again; one that has none should "
             "sleep instead."});
  }
  if (lesson.untraced || lesson.continued) {
    explain(
        lesson.explains,
        {"With WUNTRACED waitpid tells of a child that was stopped, with WCONTINUED of one that "
         "goes on. Neither is an end: the child is still to be waited for.",
         "So a shell knows that you have pressed Ctrl-Z."});
  }
}

void wait_for_chosen(const WaitpidLesson& lesson, Family& family) {
  family.say(fmt::format("Parent process id {}", ::getpid()));
  const auto start = [&](double seconds, End end, int code) {
    return family.fork([=, &lesson] { return play_child(lesson.speed, seconds, end, code); });
  };
  start(0.9, End::Exit, 3);
  const pid_t second = start(0.6, End::Exit, 0);
  start(0.3, End::Kill, 0);
  if (lesson.nohang) show(family, second, WNOHANG);
  show(family, second, 0, ": the one that was asked for, not the first to end");
  show(family, -1, 0, ": whichever has ended");
  show(family, -::getpgrp(), 0, ": any child in that process group");
  if (lesson.untraced || lesson.continued) show_stop_and_continue(lesson, family);
  show(family, 0, 0, ": no child in our own process group is left");
  show_stranger(family);
  explain(lesson.explains,
          {"waitpid(pid) waits for that child alone; -1 for any, as wait(); -pgid for any of a "
           "process group; 0 for any of our own group.",
           "Only a parent can wait for a process: of any other the kernel says ECHILD, as if there "
           "were none.",
           "For a process that is not your child: `procrun waitpid PID`."});
  explain_options(lesson);
}

}  // namespace

void add_waitpid_lesson(Options& options, WaitpidLesson& lesson) {
  options.group("The lesson");
  options.declare_for(Options::For::Both);
  options.flag("--nohang", "show WNOHANG too; with PID: look once, and tell who still runs",
               lesson.nohang);
  options.declare_for(Options::For::Lesson);
  options.flag("--untraced", "show WUNTRACED too: a child that is stopped", lesson.untraced);
  options.flag("--continued", "show WCONTINUED too: a child that goes on", lesson.continued);
  add_explain(options, lesson.explains);
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

int run_waitpid_lesson(const WaitpidLesson& lesson, Chronicle& chronicle) {
  return play_until_told(chronicle, [&](EndingSignals& signals) {
    Family family{chronicle, signals};
    wait_for_chosen(lesson, family);
    return 0;
  });
}

}  // namespace procrun::cmd
