// wait: as a lesson, the parent reaps any child; as a tool, runs COMMAND as an init does.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <system_error>

#include "cmd/events.h"
#include "cmd/lesson.h"
#include "cmd/numbers.h"
#include "cmd/verbs.h"
#include "engine/own_run.h"
#include "job/tree.h"
#include "process/fork.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

struct WaitOptions {
  Shared shared;
  Speed speed;
  int exit_code = 0;
  int kill = 0;
  int count = 1;
  bool childless = false;
  std::string events;
};

void add_options(Options& options, WaitOptions& wait) {
  options.group("The lesson");
  options.declare_for(Options::For::Lesson);
  options.value("--exit-code", "N", "how the child ends (0)",
                [&](const std::string& text) { wait.exit_code = parse_number(text, 0, 255); });
  options.value("--kill", "SIG", "the child dies of this signal instead",
                [&](const std::string& text) { wait.kill = sys::parse_signal(text); });
  options.value("--count", "N", "so many children (1)",
                [&](const std::string& text) { wait.count = parse_count(text, 1); });
  options.flag("--childless", "wait without a child", wait.childless);
  add_speed(options, wait.speed);
  options.declare_for(Options::For::Command);
  options.group("Account");
  add_events(options, wait.events);
  options.group("How COMMAND is run");
  add_shell(options, wait.shared);
  add_shared(options, wait.shared);
  options.example("procrun wait -- server --port 80   # a container's ENTRYPOINT");
}

int child_of_lesson(const WaitOptions& options, int place) {
  print_line("child process");
  print_line(fmt::format("{}", ::getpid()));
  print_line(fmt::format("{}", ::getpid()));
  // The first one started ends last: the order of reaping is that of ending.
  options.speed.sleep(0.2 * (options.count - 1 - place));
  if (options.kill != 0) sys::die_of(options.kill);
  return options.exit_code;
}

std::string tuple(const Waited& waited) {
  const std::string text = fmt::format("({}, {})", waited.pid, waited.status.raw());
  return waited.status.success() ? text : text + "  " + waited.status.text();
}

int without_child() {
  try {
    procrun::wait();
  } catch (const std::system_error& error) {
    const int number = error.code().value();
    const std::string text =
        fmt::format("ChildProcessError: [Errno {}] {}\n", number, error.code().message());
    if (::write(STDERR_FILENO, text.data(), text.size()) == -1) return 125;
    return 1;
  }
  return 0;
}

int lesson(const WaitOptions& options) {
  if (options.childless) return without_child();
  for (int place = 0; place < options.count; ++place) {
    const pid_t ret = procrun::fork();
    if (ret == 0) return child_of_lesson(options, place);
    print_line(fmt::format("Parent process ret={}", ret));
  }
  print_line(fmt::format("{}", ::getpid()));
  for (int place = 0; place < options.count; ++place) print_line(tuple(procrun::wait()));
  print_line(fmt::format("{}", ::getpid()));
  return 0;
}

int reap_all(const std::vector<std::string>& command, const WaitOptions& options,
             const Given& given) {
  const Shared& shared = options.shared;
  job::Policy policy;
  const auto events = open_events(options.events, make_run_id(), policy);
  block_signals();
  job::become_subreaper();
  sys::Outlet err{STDERR_FILENO, "standard error"};
  const LogThrough log_through{err};
  event::Bus bus;
  if (events) bus.add(*events);
  const std::string name = command_name(command);
  report::Narration narration{err, report::Narration::Story::Single, name, use_colour(shared)};
  Trouble trouble{false};
  if (tells_story(shared)) bus.add(narration);
  bus.add(trouble);
  policy.stop.front().wait = std::chrono::seconds{5};
  policy.signals = given.signals;
  engine::SignalContext context{
      {.stops = false, .text = command_text(command), .name = name}, bus, &err};
  return exit_code(engine::run_own({.argv = command_argv(command, shared)}, policy, context));
}

}  // namespace

int run_wait(const std::vector<std::string>& words, const Given& given) {
  WaitOptions wait;
  Options options{"wait [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Runs COMMAND as an init does: passes signals on, reaps every orphan, ends with\n"
                  "its status. Without COMMAND: a parent that waits for any child."};
  add_options(options, wait);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(wait.shared);
  if (!has_command(options, rest)) return lesson(wait);
  return reap_all(rest.command, wait, given);
}

}  // namespace procrun::cmd
