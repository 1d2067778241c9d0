#include "cmd/waitpid_lesson.h"

#include <fmt/core.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <system_error>

#include "cmd/chronicle.h"
#include "cmd/events.h"
#include "process/fork.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace procrun::cmd {
namespace {

enum class End { Exit, Kill };

/// A child that announces itself, sleeps and ends.
pid_t child_of_lesson(const Speed& speed, double seconds, End end, int code) {
  const pid_t parent = ::getpid();
  const pid_t pid = procrun::fork();
  if (pid != 0) return pid;
  die_with(parent);
  const std::string how = end == End::Exit ? fmt::format("exits with code {}", code)
                                           : std::string{"is killed by signal 9 (KILL)"};
  print_line(fmt::format("child process {} sleeps {}s, then {}", ::getpid(), seconds, how));
  speed.sleep(seconds);
  if (end == End::Kill) ::raise(SIGKILL);
  leave(code);
}

/// A child that stops itself and, when it goes on, does not end before `seen` is closed: of a child
/// that has ended meanwhile waitpid no longer tells that it went on.
pid_t child_that_stops(const Speed& speed, sys::Pipe& seen) {
  const pid_t parent = ::getpid();
  const pid_t pid = procrun::fork();
  if (pid != 0) return pid;
  die_with(parent);
  seen.write.reset();
  print_line(fmt::format("child process {} sleeps 0.1s, then stops itself", ::getpid()));
  speed.sleep(0.1);
  ::raise(SIGSTOP);
  char byte = 0;
  sys::retry("wait for the parent", [&] { return ::read(seen.read.get(), &byte, 1); });
  leave(0);
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

void note(Chronicle& chronicle, const Waited& waited) {
  if (waited.pid == 0) return;
  if (waited.status.stopped()) {
    chronicle.stopped(waited.pid, waited.status);
  } else if (waited.status.continued()) {
    chronicle.continued(waited.pid);
  } else {
    chronicle.reaped(waited.pid, waited.status);
  }
}

/// Calls waitpid and prints what it was asked and what it answered.
void show(Chronicle& chronicle, pid_t pid, int options, const std::string& remark = {}) {
  const std::string call = fmt::format("waitpid({}, {})", pid, options_text(options));
  try {
    const Waited waited = procrun::waitpid(pid, options);
    note(chronicle, waited);
    const std::string how = waited.pid == 0 ? std::string{"it still runs"} : waited.status.text();
    print_line(
        fmt::format("{} = ({}, {})  {}{}", call, waited.pid, waited.status.raw(), how, remark));
  } catch (const std::system_error& error) {
    if (error.code().value() != ECHILD) throw;
    print_line(fmt::format("{}: ChildProcessError: [Errno {}] {}{}", call, error.code().value(),
                           error.code().message(), remark));
  }
}

void show_stop_and_continue(const WaitpidLesson& lesson, Chronicle& chronicle) {
  sys::Pipe seen = sys::make_pipe();
  const pid_t pid = child_that_stops(lesson.speed, seen);
  chronicle.forked(pid, ::getpid(), "child process");
  if (lesson.untraced) {
    show(chronicle, pid, WUNTRACED);
  } else {
    siginfo_t stopped{};  // it must stop before it can go on; nothing of that is shown
    if (::waitid(P_PID, static_cast<id_t>(pid), &stopped, WSTOPPED | WNOWAIT) == -1) return;
  }
  ::kill(pid, SIGCONT);
  if (lesson.continued) show(chronicle, pid, WCONTINUED);
  seen.write.reset();
  show(chronicle, pid, 0);
}

/// Asks for a process that is not our child: our parent, if our namespace shows it.
void show_stranger(Chronicle& chronicle) {
  if (::getppid() != 0) {
    show(chronicle, ::getppid(), 0, ": a process, but not our child");
  } else {
    show(chronicle, ::getpid(), 0, ": this very process, which is not its own child");
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
  add_events(options, lesson.events);
  add_timeline(options, lesson.timeline);
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

int run_waitpid_lesson(const WaitpidLesson& lesson, const Shared& shared) {
  Chronicle chronicle{lesson.events, lesson.timeline, shared, "waitpid"};
  chronicle.begin();
  print_line(fmt::format("Parent process id {}", ::getpid()));
  const Speed& speed = lesson.speed;
  const pid_t first = child_of_lesson(speed, 0.9, End::Exit, 3);
  const pid_t second = child_of_lesson(speed, 0.6, End::Exit, 0);
  const pid_t third = child_of_lesson(speed, 0.3, End::Kill, 0);
  for (const pid_t pid : {first, second, third}) {
    chronicle.forked(pid, ::getpid(), "child process");
  }
  if (lesson.nohang) show(chronicle, second, WNOHANG);
  show(chronicle, second, 0, ": the one that was asked for, not the first to end");
  show(chronicle, -1, 0, ": whichever has ended");
  show(chronicle, -::getpgrp(), 0, ": any child in that process group");
  if (lesson.untraced || lesson.continued) show_stop_and_continue(lesson, chronicle);
  show(chronicle, 0, 0, ": no child in our own process group is left");
  show_stranger(chronicle);
  explain(lesson.explains,
          {"waitpid(pid) waits for that child alone; -1 for any, as wait(); -pgid for any of a "
           "process group; 0 for any of our own group.",
           "Only a parent can wait for a process: of any other the kernel says ECHILD, as if there "
           "were none.",
           "For a process that is not your child: `procrun waitpid PID`."});
  explain_options(lesson);
  chronicle.end();
  return 0;
}

}  // namespace procrun::cmd
