// pool: as a lesson, workers that take task after task; as a tool, one COMMAND per input.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "cmd/events.h"
#include "cmd/job_variables.h"
#include "cmd/jobs.h"
#include "cmd/jobs_file.h"
#include "cmd/jobserver.h"
#include "cmd/pool_options.h"
#include "cmd/tty_option.h"
#include "cmd/verbs.h"
#include "engine/pool_run.h"
#include "input/command_line.h"
#include "input/shell.h"
#include "job/tree.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

engine::Recipe::Form form_of(const std::vector<std::string>& command, const Shared& shared) {
  using Form = engine::Recipe::Form;
  if (command.empty()) return Form::Lines;
  if (shared.no_shell) return Form::Exec;
  const bool is_line = shared.shell || (command.size() == 1 && input::needs_shell(command[0]));
  return is_line ? Form::Shell : Form::Exec;
}

input::Template::Options placeholders_of(const PoolOptions& options, const PoolInputs& inputs) {
  return {.token = options.inputs.token, .names = inputs.names};
}

input::Template template_of(const std::vector<std::string>& command, engine::Recipe::Form form,
                            const PoolOptions& options, const PoolInputs& inputs) {
  using Repeat = input::Template::Repeat;
  auto placeholders = placeholders_of(options, inputs);
  if (options.inputs.batches() && !options.pipe.wanted) {
    placeholders.repeat = form == engine::Recipe::Form::Shell ? Repeat::Chunks : Repeat::Words;
  }
  return {command, placeholders};
}

std::optional<input::Template> tag_of(const PoolOptions& options, const PoolInputs& inputs) {
  if (options.tag_string) {
    return input::Template{{*options.tag_string}, placeholders_of(options, inputs)};
  }
  if (options.tag) return input::Template{{"{}"}};
  return std::nullopt;
}

std::optional<engine::Results> results_of(const PoolOptions& options, const PoolInputs& inputs) {
  if (options.results.empty()) return std::nullopt;
  return engine::Results{options.results, inputs.names};
}

int code_of(const engine::PoolResult& result) {
  if (result.signal != 0) {
    sys::die_of(result.signal);
    return 128 + result.signal;
  }
  if (result.halted) return *result.halted;
  if (result.failed == 0 && result.skipped != 0) {
    throw std::runtime_error(
        "jobs were skipped: others that they need have failed in an earlier run (--resume-failed "
        "tries them again)");
  }
  return static_cast<int>(std::min<std::uint64_t>(result.failed, 101));
}

/// Prints the commands as they could be pasted. Blocks on what it reads and writes, with nothing
/// running that would have to be ended, so that a signal may just kill it.
int dry_run(const engine::Recipe& recipe, engine::Backlog::Options from) {
  engine::Backlog backlog{std::move(from),
                          recipe,
                          {.left_out = [](auto) {},
                           .was_in_flight = [](const auto&) {},
                           .skipped = [](const auto&, const auto&) {}}};
  for (;;) {
    backlog.read(1, true);
    if (backlog.exhausted()) return 0;
    if (backlog.empty()) {
      pollfd readable{.fd = backlog.wait_fd(1), .events = POLLIN, .revents = 0};
      sys::poll_until({&readable, 1}, {});
      continue;
    }
    const auto next = backlog.take();
    print_line(recipe.pasteable(engine::job_of(next, recipe, 1)));
    backlog.ended(next, {});
    backlog.release(next);
  }
  return 0;
}

std::string directory_of(const job::Policy& policy) {
  std::error_code error;
  const auto here = std::filesystem::current_path(error).string();
  return policy.directory.empty() ? here : here + '\0' + policy.directory;
}

/// Whether a job may write to our stdout when it is its turn: into no bar, nothing that is written
/// again by the next attempt, and not as long as it may yet lose a race.
bool may_write_itself(const job::Policy& policy, const PoolOptions& options,
                      ProgressOptions::Form progress) {
  return progress != ProgressOptions::Form::Bar && policy.retries == 0 &&
         options.end.halt.what != engine::HaltRule::What::Success;
}

bool has_source(const input::CommandLine& line, const PoolOptions& options) {
  return !line.sources.empty() || !options.inputs.arg_files.empty() ||
         !options.inputs.job_file.empty();
}

/// Without COMMAND and inputs --retry-failed takes both from the job log.
bool takes_from_log(const input::CommandLine& line, const PoolOptions& options) {
  return options.records.again == engine::Again::OnlyFailed && line.command.empty() &&
         !has_source(line, options);
}

PoolInputs inputs_of(const input::CommandLine& line, const PoolOptions& options,
                     const Records& records) {
  if (options.pipe.wanted) return {.rows = open_blocks(line, options.inputs, options.pipe)};
  if (!takes_from_log(line, options)) return open_inputs(line, options.inputs);
  if (records.wants_identities()) {
    throw UsageError{"--retry-failed with a --journal needs the COMMAND and its inputs"};
  }
  std::vector<input::Inputs::Entry> sources;
  sources.push_back({.source = input::from_values(records.logged_commands())});
  return {.rows = std::make_unique<input::Inputs>(std::move(sources))};
}

int own_many(const input::CommandLine& line, const PoolOptions& options, const Given& given) {
  check(options);
  auto progress_form = form_of(options.progress, options.ungroup);
  if (!tells_story(options.shared)) progress_form = ProgressOptions::Form::None;
  job::Policy policy = policy_of(options.job);
  const std::string run_id = make_run_id();
  tell_jobs(policy, options.job, {.run_id = run_id, .slot_variable = options.slot_variable});
  // Before there is anything of ours.
  Jobserver jobserver{options.jobserver, options.jobs, options.jobs_file.empty() ? 0 : kMostJobs};
  std::optional<JobsFile> jobs_file;
  if (!options.jobs_file.empty()) jobs_file.emplace(options.jobs_file);
  const auto form = form_of(line.command, options.shared);
  Records records{options.records, options.start.longest_first};
  auto inputs = inputs_of(line, options, records);
  const auto words = template_of(line.command, form, options, inputs);
  if (!options.pipe.wanted) {
    inputs.rows =
        batched(std::move(inputs.rows), options.inputs, form, words, policy, jobserver.slots());
  }
  engine::Backlog::Options backlog{.rows = std::move(inputs.rows),
                                   .past = records.past(),
                                   .identities = {},
                                   .longest_first = records.durations(),
                                   .reads_far = progress_form != ProgressOptions::Form::None};
  if (records.wants_identities()) backlog.identities.emplace(line.command, directory_of(policy));
  engine::Recipe recipe{form, words, engine::default_shell()};
  if (options.dry_run || jobserver.dry_run()) return dry_run(recipe, std::move(backlog));

  const auto events = open_events(options.events, policy, run_id);
  sys::Fd timeline = open_timeline(options.timeline);
  block_signals();
  job::become_subreaper();
  JobTerminal terminal{options.tty};
  sys::Outlets outlets{STDOUT_FILENO, STDERR_FILENO};
  sys::Outlet& out = outlets.out();
  sys::Outlet& err = outlets.err();
  const LogThrough log_through{err};
  event::Bus bus;
  records.start(bus, run_id);
  if (events) bus.add(*events);
  report::Narration narration{err, report::Narration::Story::Pool, "", use_colour(options.shared)};
  Trouble trouble{true};
  if (tells_story(options.shared)) bus.add(narration);
  bus.add(trouble);
  const auto progress = make_progress(progress_form, options.progress, err);
  if (progress) bus.add(*progress);
  const auto picture =
      make_picture(options.timeline, std::move(timeline),
                   {.title = "procrun pool", .colour = use_colour(options.shared), .err = &err});
  if (picture) bus.add(*picture);
  const sys::Fd null = sys::open("/dev/null", O_RDONLY);
  policy.group = Command::Group::Own;
  policy.in = null.get();
  policy.output.mode = options.ungroup ? job::Output::Inherit : job::Output::Capture;
  policy.output.merge = options.merge;
  policy.output.by_line = options.by_line;
  policy.output.takes_turns = options.keep_order && options.results.empty() &&
                              (options.by_line || may_write_itself(policy, options, progress_form));
  policy.parent_death_signal = SIGKILL;
  policy.signals = given.signals;
  terminal.give_by(policy);
  engine::Tokens* const tokens = jobserver.open(policy);
  engine::PoolRun run{{.recipe = std::move(recipe),
                       .backlog = std::move(backlog),
                       .tag = tag_of(options, inputs),
                       .slots = jobserver.slots(),
                       .slot_source = jobs_file ? &*jobs_file : nullptr,
                       .policy = std::move(policy),
                       .keep_order = options.keep_order,
                       .results = results_of(options, inputs),
                       .gates = options.start.gates,
                       .timeout_percent = options.job.timeout_percent,
                       .halt = options.end.halt,
                       .drains_on_hangup = options.end.drains_on_hangup,
                       .tokens = tokens,
                       .foreground = terminal.foreground()},
                      bus,
                      out,
                      err};
  const engine::PoolResult result = run.run();
  jobserver.close();
  if (picture) picture->finish();
  return code_of(result);
}

}  // namespace

bool pool_has(std::string_view option) { return declares(add_pool_options, option); }

int run_pool(const std::vector<std::string>& words, const Given& given) {
  PoolOptions pool;
  Options options{"pool [OPTIONS] COMMAND [ARG]... [::: VALUE... | :::: FILE...]...",
                  "Runs COMMAND once for each input, N at once. Placeholders as GNU parallel:\n"
                  "{} {.} {/} {//} {/.} {#} {%} {1} {2.}; with none, the item is appended.\n"
                  "Without COMMAND: workers that take task after task."};
  add_pool_options(options, pool);
  Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(pool.shared);
  pool.job.jobs_may_retry = !pool.inputs.job_file.empty();
  apply_tty(pool);
  input::CommandLine line = input::split_sources(rest.command);
  // With a source but no COMMAND each item is a command line.
  const bool from_source = has_source(line, pool);
  if (!from_source && !takes_from_log(line, pool) && !has_command(options, rest)) {
    Chronicle chronicle{pool.events, pool.timeline, pool.shared, "pool"};
    return run_pool_lesson(pool.lesson, count_jobs(pool.jobs), chronicle);
  }
  if (from_source && !options.given_for(Options::For::Lesson).empty()) has_command(options, rest);
  if (pool.tty) refuse_typed_items(line, pool.inputs);
  return own_many(line, pool, given);
}

}  // namespace procrun::cmd
