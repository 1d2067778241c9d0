// spawn: as a lesson, a Process with its target and arguments; as a tool, owns COMMAND.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include "cmd/verbs.h"
#include "engine/single_run.h"
#include "input/quantity.h"
#include "job/tree.h"
#include "process/process.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

struct SpawnOptions {
  Shared shared;
  std::string name;
  std::string used_for;
  bool no_join = false;
  job::Policy policy;
};

void add_options(Options& options, SpawnOptions& spawn) {
  options.group("The story");
  options.declare_for(Options::For::Both);
  options.value("--name", "NAME", "what the process is called (test, or COMMAND's name)",
                [&](const std::string& name) { spawn.name = name; });
  options.value("--for", "WHAT", "what it is used for (dev, or COMMAND)",
                [&](const std::string& what) { spawn.used_for = what; });
  options.declare_for(Options::For::Lesson);
  options.flag("--no-join", "the parent goes on at once", spawn.no_join);
  options.declare_for(Options::For::Command);
  options.group("Time");
  options.value("-t,--timeout", "D", "end COMMAND after this long (250ms, 1.5s, 2m; 0: never)",
                [&](const std::string& text) {
                  const auto limit = input::parse_duration(text);
                  spawn.policy.timeout.reset();
                  if (limit.count() != 0) spawn.policy.timeout = limit;
                });
  options.group("How COMMAND is run");
  add_shell(options, spawn.shared);
  add_shared(options, spawn.shared);
  options.example("procrun spawn -t 5m make -j4 test");
}

void pro_do(const std::string& name, const std::string& func) {
  print_line(fmt::format(
      "This is child process {} from parent process {}, and name is  {} which is used for {}",
      ::getpid(), ::getppid(), name, func));
}

std::string either(const std::string& given, const std::string& otherwise) {
  return given.empty() ? otherwise : given;
}

int lesson(const SpawnOptions& options) {
  print_line(fmt::format("Parent process id {}", ::getpid()));
  Process process{pro_do, either(options.name, "test"), either(options.used_for, "dev")};
  print_line("start child process");
  process.start();
  if (!options.no_join) process.join();
  print_line("Process end");
  process.join();  // as Python does before it exits
  return process.exitcode() == 0 ? 0 : 125;
}

int own(const std::vector<std::string>& command, SpawnOptions& options, const Given& given) {
  block_signals();
  job::become_subreaper();
  sys::Outlet err{STDERR_FILENO, "standard error"};
  const LogThrough log_through{err};
  event::Bus bus;
  report::Narration narration{err, report::Narration::Story::Single,
                              either(options.name, command_name(command)),
                              use_colour(options.shared)};
  Trouble trouble{false};
  if (tells_story(options.shared)) bus.add(narration);
  bus.add(trouble);
  options.policy.signals = given.signals;
  options.policy.parent_death_signal = SIGKILL;
  engine::SingleRun run{{.argv = command_argv(command, options.shared)},
                        either(options.used_for, command_text(command)),
                        options.policy,
                        bus,
                        err};
  return exit_code(run.run().outcome);
}

}  // namespace

int run_spawn(const std::vector<std::string>& words, const Given& given) {
  SpawnOptions spawn;
  Options options{"spawn [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Runs COMMAND with a time limit; nothing of its tree outlives it, nor procrun.\n"
                  "Without COMMAND: a Process with target and arguments, started and joined."};
  add_options(options, spawn);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(spawn.shared);
  if (spawn.no_join && !rest.command.empty()) {
    throw UsageError{"--no-join is the lesson's; to start COMMAND and go on: procrun fork"};
  }
  if (!has_command(options, rest)) return lesson(spawn);
  return own(rest.command, spawn, given);
}

}  // namespace procrun::cmd
