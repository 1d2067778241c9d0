// fork: as a lesson, a parent and a child that both run on; as a tool, lets COMMAND go.
#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <stdexcept>

#include "cmd/fork_lesson.h"
#include "cmd/verbs.h"
#include "engine/background.h"
#include "state/directory.h"

namespace procrun::cmd {
namespace {

struct ForkOptions {
  Shared shared;
  ForkLesson lesson;
  std::string out;
  std::string err;
};

void add_options(Options& options, ForkOptions& fork) {
  add_fork_lesson(options, fork.lesson);
  options.group("Where its output goes");
  options.value("-o,--stdout", "FILE", "stdout (a new log file in the state directory)",
                [&](const std::string& file) { fork.out = file; });
  options.value("-e,--stderr", "FILE", "stderr (where stdout goes)",
                [&](const std::string& file) { fork.err = file; });
  options.group("How it is run");
  add_shell(options, fork.shared);
  add_shared(options, fork.shared);
  options.example("pid=$(procrun fork -- python3 -m http.server 8000)");
}

state::Log open_output(const std::string& file) {
  if (file.empty()) return state::new_log();
  return {sys::open(file, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND), file};
}

int let_go(const std::vector<std::string>& command, const ForkOptions& options,
           const Given& given) {
  const state::Log out = open_output(options.out);
  const state::Log err = options.err.empty() ? state::Log{} : open_output(options.err);
  log_debug("stdout of the command goes to " + out.path);
  block_signals();
  job::Policy policy;
  policy.group = Command::Group::Session;
  policy.leftovers = job::Leftovers::Wait;
  policy.signals = given.signals;
  const auto started =
      engine::start_in_background({.argv = command_argv(command, options.shared)}, policy,
                                  out.file.get(), err.file ? err.file.get() : out.file.get());
  if (started.pid == 0) {
    log_error(started.why);
    return started.code;
  }
  if (tells_story(options.shared)) tell(fmt::format("Parent process ret={}", started.pid));
  print_line(fmt::format("{}", started.pid));
  return 0;
}

}  // namespace

int run_fork(const std::vector<std::string>& words, const Given& given) {
  ForkOptions fork;
  Options options{"fork [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Starts COMMAND in the background, prints its pid and returns once it runs.\n"
                  "Without COMMAND: a parent and a child, both run on."};
  add_options(options, fork);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(fork.shared);
  if (!has_command(options, rest)) return run_fork_lesson(fork.lesson);
  return let_go(rest.command, fork, given);
}

}  // namespace procrun::cmd
