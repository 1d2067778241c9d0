#include "cmd/wait_lesson.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <string>
#include <system_error>

#include "cmd/family.h"
#include "cmd/numbers.h"
#include "cmd/shared.h"
#include "process/fork.h"
#include "sys/signals.h"

namespace procrun::cmd {
namespace {

int play_child(const WaitLesson& lesson, int place) {
  print_line("child process");
  print_line(fmt::format("{}", ::getpid()));
  print_line(fmt::format("{}", ::getpid()));
  // The first one started ends last: the order of reaping is that of ending.
  lesson.speed.sleep(0.2 * (lesson.count - 1 - place));
  if (lesson.kill != 0) sys::die_of(lesson.kill);
  return lesson.exit_code;
}

/// Of the others it would not die, but stop, or take no notice.
int parse_deadly_signal(const std::string& text) {
  const int signal = sys::parse_signal(text);
  for (const int harmless :
       {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD, SIGURG, SIGWINCH}) {
    if (signal == harmless) {
      throw std::invalid_argument("'" + text + "' ends no process (TERM, KILL, SEGV)");
    }
  }
  return signal;
}

std::string tuple(const Waited& waited) {
  const std::string text = fmt::format("({}, {})", waited.pid, waited.status.raw());
  return waited.status.success() ? text : text + "  " + waited.status.text();
}

void explain_end(const WaitLesson& lesson) {
  if (lesson.kill != 0) {
    explain(lesson.explains,
            {"The raw status of a child that a signal killed is the signal's number (and 128 more "
             "where it left a core file).",
             "A shell shows such an end as 128 and the number, Python's exitcode as minus the "
             "number."});
  } else {
    explain(
        lesson.explains,
        {"The raw status of a child that exited is its exit code times 256: the low byte is for "
         "a signal, and there was none.",
         "The macros WIFEXITED and WEXITSTATUS take it apart; os.waitstatus_to_exitcode() does "
         "in Python."});
  }
}

int without_child(const WaitLesson& lesson) {
  try {
    procrun::wait();
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    const std::string text =
        fmt::format("ChildProcessError: [Errno {}] {}\n", number, error.code().message());
    if (::write(STDERR_FILENO, text.data(), text.size()) == -1) return 125;
    explain(lesson.explains,
            {"A process without children has nobody to wait for: wait() fails with ECHILD at once, "
             "and does not sleep.",
             "That is how a parent knows that it has reaped all its children."});
    return 1;
  }
  return 0;
}

void wait_for_all(const WaitLesson& lesson, Family& family) {
  for (int place = 0; place < lesson.count; ++place) {
    const pid_t ret = family.fork([&] { return play_child(lesson, place); });
    family.say(fmt::format("Parent process ret={}", ret));
  }
  family.say(fmt::format("{}", ::getpid()));
  for (int place = 0; place < lesson.count; ++place) family.say(tuple(family.waitpid(-1)));
  family.say(fmt::format("{}", ::getpid()));
  explain(
      lesson.explains,
      {"wait() sleeps until some child has ended, takes its status, and lets the kernel drop its "
       "entry: the child is reaped, and no zombie is left.",
       "It takes whichever ends first, not the one that was started first."});
  explain_end(lesson);
}

}  // namespace

void add_wait_lesson(Options& options, WaitLesson& lesson) {
  options.group("The lesson");
  options.declare_for(Options::For::Lesson);
  options.value("--exit-code", "N", "how the child ends (0)",
                [&](const std::string& text) { lesson.exit_code = parse_number(text, 0, 255); });
  options.value("--kill", "SIG", "the child dies of this signal instead",
                [&](const std::string& text) { lesson.kill = parse_deadly_signal(text); });
  options.value("--count", "N", "so many children (1)",
                [&](const std::string& text) { lesson.count = parse_count(text, 1); });
  options.flag("--childless", "wait without a child", lesson.childless);
  add_explain(options, lesson.explains);
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

int run_wait_lesson(const WaitLesson& lesson, Chronicle& chronicle) {
  return play_until_told(chronicle, [&](EndingSignals& signals) {
    if (lesson.childless) return without_child(lesson);
    Family family{chronicle, signals};
    wait_for_all(lesson, family);
    return 0;
  });
}

}  // namespace procrun::cmd
