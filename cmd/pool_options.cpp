#include "cmd/pool_options.h"

#include <stdexcept>

#include "cmd/events.h"
#include "cmd/job_variables.h"
#include "cmd/jobs.h"
#include "cmd/jobs_file.h"
#include "cmd/options.h"

namespace procrun::cmd {
namespace {

void parse_jobs(const std::string& text, PoolOptions& pool) {
  pool.jobs_file = names_jobs_file(text) ? text : "";
  pool.jobs = pool.jobs_file.empty() ? text : read_jobs_file(text);
  try {
    check_jobs(pool.jobs);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(error.what() + std::string{", nor a FILE that holds one"});
  }
}

void add_jobs(Options& options, PoolOptions& pool) {
  options.group("The lesson");
  options.declare_for(Options::For::Both);
  options.value("-j,--jobs", "N",
                "so many at once: N, N% of the processors, +N, -N; 0: as many as limits allow "
                "(the processors that we may use); or a FILE that says so, also anew while jobs "
                "run",
                [&](const std::string& text) { parse_jobs(text, pool); });
  add_pool_lesson(options, pool.lesson);
}

/// A job log knows a job by its number and command, which all blocks have in common.
void refuse_beside_pipe(const PoolOptions& options) {
  check(options.pipe);
  if (!options.pipe.wanted) return;
  if (options.records.again != engine::Again::All && options.records.journal.empty()) {
    throw UsageError{
        "--pipe and --resume and its kin need a --journal: a job log cannot tell blocks apart"};
  }
  if (options.start.longest_first) throw UsageError{"--pipe and --order exclude each other"};
  if (!options.results.empty()) {
    throw UsageError{"--results names its directories by items, and with --pipe there are none"};
  }
}

}  // namespace

void add_pool_options(Options& options, PoolOptions& pool) {
  add_jobs(options, pool);
  options.value("-P", "N", "the same as -j",
                [&](const std::string& text) { parse_jobs(text, pool); });
  add_input_options(options, pool.inputs);
  add_pipe_options(options, pool.pipe);
  options.flag("--dry-run", "print the commands, run none", pool.dry_run);
  options.group("Output");
  options.flag("--group", "a job's output in one piece when it ends (so it is)", pool.group);
  options.flag("--lb,--line-buffer", "each line when it is whole, however long, never torn",
               pool.by_line);
  options.flag("-u,--ungroup", "jobs write straight to our stdout and stderr", pool.ungroup);
  options.flag("-k,--keep-order", "in the order of the items", pool.keep_order);
  options.value("--results", "DIR",
                "each job's output in files instead: DIR/1/ITEM/{stdout,stderr,seq}",
                [&](const std::string& directory) { pool.results = parse_path(directory); });
  options.flag("--merge", "stderr goes where stdout goes, in the order of writing", pool.merge);
  options.flag("--tag", "each line begins with the job's item and a tab", pool.tag);
  options.value("--tagstring", "STR", "the same with STR, in which placeholders stand",
                [&](const std::string& text) { pool.tag_string = text; });
  add_progress_options(options, pool.progress);
  add_start_options(options, pool.start);
  add_end_options(options, pool.end);
  add_record_options(options, pool.records);
  options.declare_for(Options::For::Both);
  add_events(options, pool.events);
  add_timeline(options, pool.timeline);
  options.declare_for(Options::For::Command);
  add_job_options(options, pool.job, Letters::LongOnly);
  options.group("How jobs are run");
  options.flag("--jobserver",
               "share the -j places with make, ninja and cargo below us (below make: its own)",
               pool.jobserver);
  options.flag("--tty", "each job in turn has the terminal, and its stdin is that (-j1, and -u)",
               pool.tty);
  options.value("--process-slot-var", "NAME",
                "NAME=0 and so on is set for the jobs: which of the -j places they have",
                [&](const std::string& text) { pool.slot_variable = parse_slot_variable(text); });
  add_shell(options, pool.shared);
  add_shared(options, pool.shared);
  options.example("find . -name '*.txt' -print0 | procrun pool -0 gzip");
}

void apply_tty(PoolOptions& pool) {
  if (!pool.tty) return;
  if (!pool.jobs_file.empty() || (!pool.jobs.empty() && pool.jobs != "1")) {
    throw UsageError{"--tty gives the terminal to one job at a time: -j can only be 1"};
  }
  if (pool.pipe.wanted)
    throw UsageError{"--tty and --pipe exclude each other: a job has one stdin"};
  if (pool.job.policy.retries != 0) throw UsageError{"--tty and --retries exclude each other"};
  pool.jobs = "1";
  pool.ungroup = pool.ungroup || !(pool.group || pool.by_line || pool.keep_order || pool.tag ||
                                   pool.tag_string || !pool.results.empty());
}

void check(const PoolOptions& options) {
  refuse_beside_pipe(options);
  if (options.jobserver && !options.jobs_file.empty()) {
    throw UsageError{
        "--jobserver has as many tokens as there are places: -j FILE cannot change them"};
  }
  if (options.ungroup + options.group + options.by_line > 1) {
    throw UsageError{"--group, --line-buffer and -u exclude each other"};
  }
  if (!options.results.empty() && (options.ungroup || options.tag || options.tag_string)) {
    throw UsageError{
        "--results needs the jobs' output as it is: without -u, --tag and --tagstring"};
  }
  if (!options.ungroup) return;
  if (options.job.retry.reasons.match != nullptr) {
    throw UsageError{"--retry-on match: needs the jobs' output, and -u lets it pass by"};
  }
  if (options.keep_order) throw UsageError{"-k needs the jobs' output, and -u lets it pass by"};
  if (options.tag || options.tag_string) {
    throw UsageError{"--tag needs the jobs' output, and -u lets it pass by"};
  }
}

}  // namespace procrun::cmd
