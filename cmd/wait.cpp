// wait: as a lesson, the parent reaps any child; as a tool, runs COMMAND as an init does.
#include "cmd/events.h"
#include "cmd/verbs.h"
#include "cmd/wait_lesson.h"
#include "engine/own_run.h"
#include "job/tree.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

struct WaitOptions {
  Shared shared;
  WaitLesson lesson;
  std::string events;
};

void add_options(Options& options, WaitOptions& wait) {
  add_wait_lesson(options, wait.lesson);
  options.group("Account");
  add_events(options, wait.events);
  options.group("How COMMAND is run");
  add_shell(options, wait.shared);
  add_shared(options, wait.shared);
  options.example("procrun wait -- server --port 80   # a container's ENTRYPOINT");
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
  if (!has_command(options, rest)) return run_wait_lesson(wait.lesson);
  return reap_all(rest.command, wait, given);
}

}  // namespace procrun::cmd
