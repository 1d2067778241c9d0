// spawn: as a lesson, a Process with its target and arguments; as a tool, owns COMMAND.
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/account.h"
#include "cmd/events.h"
#include "cmd/job_options.h"
#include "cmd/job_variables.h"
#include "cmd/spawn_lesson.h"
#include "cmd/timeline.h"
#include "cmd/verbs.h"
#include "engine/single_run.h"
#include "input/quantity.h"
#include "input/shell.h"
#include "job/tree.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

struct SpawnOptions {
  Shared shared;
  SpawnLesson lesson;
  JobOptions job;
  std::string in;
  std::string out;
  std::string err;
  bool append = false;
  bool quiet_ok = false;
  job::OutputPolicy output;
  bool time = false;
  bool json = false;
  std::string events;
  TimelineOptions timeline;
};

/// SIZE, SIZE=truncate or SIZE=kill.
void parse_max_output(const std::string& text, job::OutputPolicy& output) {
  const auto equals = text.find('=');
  output.most = input::parse_size(text.substr(0, equals));
  const std::string what = equals == std::string::npos ? "truncate" : text.substr(equals + 1);
  output.end_at_most = what == "kill";
  if (what != "kill" && what != "truncate") {
    throw std::invalid_argument("'" + input::printable(what) + "' is neither truncate nor kill");
  }
}

void add_output(Options& options, SpawnOptions& spawn) {
  options.group("Input and output");
  options.value("--stdin", "FILE", "its stdin",
                [&](const std::string& file) { spawn.in = parse_path(file); });
  options.value("-o,--stdout", "FILE", "where its stdout goes",
                [&](const std::string& file) { spawn.out = parse_path(file); });
  options.value("-e,--stderr", "FILE", "where its stderr goes",
                [&](const std::string& file) { spawn.err = parse_path(file); });
  options.flag("--append", "to the end of these files", spawn.append);
  options.flag("--merge", "stderr goes where stdout goes, in the order of writing",
               spawn.output.merge);
  options.flag("--quiet-ok", "its output is shown only if it failed", spawn.quiet_ok);
  options.flag("--fail-on-stderr", "it has failed if it wrote to stderr",
               spawn.output.fail_on_stderr);
  options.value("--prefix", "TEXT", "before each line of its output",
                [&](const std::string& text) { spawn.output.prefix = text; });
  options.optional_value("--timestamps", "FORMAT",
                         "the time before each line, by strftime and %.S (%H:%M:%.S)",
                         [&](const std::string& format) {
                           spawn.output.timestamps = format.empty() ? "%H:%M:%.S" : format;
                         });
  options.value("--max-output", "SIZE", "drop what is more (10M), or end it there (10M=kill)",
                [&](const std::string& text) { parse_max_output(text, spawn.output); });
}

void add_options(Options& options, SpawnOptions& spawn) {
  add_spawn_lesson(options, spawn.lesson);
  add_job_options(options, spawn.job, Letters::Short);
  add_output(options, spawn);
  options.group("Account");
  options.flag("--time", "tell real, user and system time at the end, as time -p", spawn.time);
  options.flag("--json", "tell all that is known of its end, as one line of JSON", spawn.json);
  options.declare_for(Options::For::Both);
  add_events(options, spawn.events);
  add_timeline(options, spawn.timeline);
  options.declare_for(Options::For::Command);
  options.group("How COMMAND is run");
  add_lock(options, spawn.job);
  add_shell(options, spawn.shared);
  add_shared(options, spawn.shared);
  options.example("procrun spawn -t 5m --retries 2 make -j4 test");
}

/// The files of -o, -e and --stdin, open as long as the run lasts.
struct Files {
  sys::Fd in;
  sys::Fd out;
  sys::Fd err;
};

bool are_same(int a, int b) {
  struct stat one {};
  struct stat other {};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

Files open_files(const SpawnOptions& options) {
  // As the shell's > and >>: with O_APPEND a command that seeks in its output would be betrayed.
  const int how = O_WRONLY | O_CREAT | (options.append ? O_APPEND : O_TRUNC);
  Files files;
  if (!options.in.empty()) files.in = sys::open(options.in, O_RDONLY);
  if (!options.out.empty()) files.out = sys::open(options.out, how);
  if (!options.err.empty()) files.err = sys::open(options.err, how);
  // The same file twice is one: what is written through two would overwrite each other.
  if (files.out && files.err && are_same(files.out.get(), files.err.get())) {
    files.err = sys::duplicate(files.out.get());
  }
  return files;
}

job::OutputPolicy output_policy(const SpawnOptions& options, const Files& files) {
  job::OutputPolicy output = options.output;
  if (files.out) output.out = files.out.get();
  if (files.err) output.err = files.err.get();
  const bool looked_at = output.most || output.fail_on_stderr || !output.prefix.empty() ||
                         !output.timestamps.empty() || options.job.retry.reasons.match != nullptr;
  if (looked_at) output.mode = job::Output::Stream;
  if (options.quiet_ok) output.mode = job::Output::Capture;
  return output;
}

void refuse_contradictions(const SpawnOptions& options) {
  if (options.output.merge && !options.err.empty()) {
    throw UsageError{"--merge and --stderr exclude each other"};
  }
  if (options.quiet_ok && (!options.out.empty() || !options.err.empty())) {
    throw UsageError{"--quiet-ok shows output, which --stdout and --stderr put in files"};
  }
  if (options.append && options.out.empty() && options.err.empty()) {
    throw UsageError{"--append needs --stdout or --stderr"};
  }
  if (options.output.merge && options.output.fail_on_stderr) {
    throw UsageError{"--merge hides what --fail-on-stderr looks for"};
  }
  if (options.job.lock_wait && options.job.lock.empty()) {
    throw UsageError{"--lock-wait needs --lock"};
  }
}

std::string either(const std::string& given, const std::string& otherwise) {
  return given.empty() ? otherwise : given;
}

int own(const std::vector<std::string>& command, const SpawnOptions& options, const Given& given) {
  refuse_contradictions(options);
  job::Policy policy = policy_of(options.job);
  tell_attempt(policy, options.job);
  const Files files = open_files(options);
  const sys::Fd lock = take_lock(options.job);
  const auto events = open_events(options.events, policy);
  sys::Fd timeline = open_timeline(options.timeline);
  block_signals();
  job::become_subreaper();
  sys::Outlets outlets{STDOUT_FILENO, STDERR_FILENO};
  sys::Outlet& out = outlets.out();
  sys::Outlet& err = outlets.err();
  const LogThrough log_through{err};
  event::Bus bus;
  if (events) bus.add(*events);
  const std::string name = either(options.lesson.name, command_name(command));
  report::Narration narration{err, report::Narration::Story::Single, name,
                              use_colour(options.shared)};
  Trouble trouble{false};
  if (tells_story(options.shared)) bus.add(narration);
  bus.add(trouble);
  const auto picture =
      make_picture(options.timeline, std::move(timeline),
                   {.title = "procrun spawn", .colour = use_colour(options.shared), .err = &err});
  if (picture) bus.add(*picture);
  policy.signals = given.signals;
  policy.parent_death_signal = SIGKILL;
  if (files.in) policy.in = files.in.get();
  policy.output = output_policy(options, files);
  const bool accounts = options.json || bus.wants(event::Interest::Story);
  const auto started = sys::Clock::now();
  const auto result =
      engine::SingleRun{{.job = {.argv = command_argv(command, options.shared)},
                         .text = either(options.lesson.used_for, command_text(command)),
                         .name = name,
                         .policy = std::move(policy),
                         .quiet_ok = options.quiet_ok,
                         .accounts = accounts},
                        bus,
                        out,
                        err}
          .run();
  const auto wall = sys::Clock::now() - started;
  if (picture) picture->finish();
  if (options.time) tell(time_report(result.outcome, wall));
  if (options.json) tell(json_report(command, result.outcome, wall));
  // Told to end before it began, it has no status to pass on.
  if (result.outcome.kind == job::Outcome::Kind::Cancelled && result.outcome.pid == 0) {
    sys::die_of(result.signal);
    return 128 + result.signal;
  }
  // What makes a success a failure is an error, which --quiet does not silence.
  const job::Outcome& outcome = result.outcome;
  const bool wrote_only = outcome.fault == job::Outcome::Fault::Stderr && outcome.status.success();
  if (wrote_only && !tells_story(options.shared)) {
    log_error(fmt::format("{} {}", outcome.pid, outcome.text()));
    err.flush();
  }
  return exit_code(result.outcome, options.job);
}

}  // namespace

bool spawn_has(std::string_view option) { return declares(add_options, option); }

int run_spawn(const std::vector<std::string>& words, const Given& given) {
  if (is_fresh_process(words)) return run_fresh_process(words);
  SpawnOptions spawn;
  Options options{"spawn [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Runs COMMAND with a time limit; nothing of its tree outlives it, nor procrun.\n"
                  "Without COMMAND: a Process with target and arguments, started and joined."};
  add_options(options, spawn);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(spawn.shared);
  if (spawn.lesson.no_join && !rest.command.empty()) {
    throw UsageError{"--no-join is the lesson's; to start COMMAND and go on: procrun fork"};
  }
  if (!has_command(options, rest)) {
    Chronicle chronicle{spawn.events, spawn.timeline, spawn.shared, "spawn"};
    return run_spawn_lesson(spawn.lesson, chronicle);
  }
  return own(rest.command, spawn, given);
}

}  // namespace procrun::cmd
