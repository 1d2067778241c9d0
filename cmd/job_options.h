#pragma once
// The options that speak of one job: for spawn, and in their long form for each job of a pool.
#include <optional>
#include <string>
#include <vector>

#include "cmd/options.h"
#include "job/job.h"
#include "job/retry.h"
#include "sys/fd.h"

namespace procrun::cmd {

/// What they say, before it is put together.
struct JobOptions {
  // Time
  std::optional<sys::Duration> timeout;
  int timeout_percent = 0;  // instead: of the median of a pool's jobs
  std::optional<sys::Duration> deadline;
  int signal = 0;
  std::optional<sys::Duration> kill_after;
  std::optional<job::StopPlan> term_seq;
  bool foreground = false;
  bool preserve_status = false;
  int timeout_exit = 0;
  // Tree
  std::optional<job::Leftovers> leak;
  // Retries
  job::RetryPolicy retry;
  bool jobs_may_retry = false;  // by themselves, whatever --retries says
  // What goes into the policy as it is: retries, ok codes, directory, place, descriptors
  job::Policy policy;
  std::optional<int> nice;  // an increment, as nice(1) has it
  std::vector<std::string> env;
  std::vector<std::string> unset;
  bool clear_env = false;
  std::string lock;
  std::optional<sys::Duration> lock_wait;
};

enum class Letters { Short, LongOnly };

/// A path as it was given. Throws std::invalid_argument for the empty one, which is what an unset
/// variable leaves: without a file the option would do nothing, and say so to nobody.
std::string parse_path(const std::string& text);

/// Adds what LIST says ("143,SIG:TERM") to the ends that count as success. Throws
/// std::invalid_argument.
void parse_ok_exit(const std::string& text, job::Policy& policy);
/// TERM,10s,KILL: signals with a pause between each two. Throws std::invalid_argument.
job::StopPlan parse_term_seq(const std::string& text);

void add_job_options(Options& options, JobOptions& job, Letters letters);
/// Declares those that say where and as whom a command runs.
void add_place(Options& options, JobOptions& job, Letters letters);
void add_nice(Options& options, JobOptions& job);
/// Declares --lock and --lock-wait.
void add_lock(Options& options, JobOptions& job);

/// The policy that they make. Throws UsageError where they contradict each other.
job::Policy policy_of(const JobOptions& job);

/// Takes the lock file of --lock, if there is one; it is held while the descriptor is open, also by
/// a copy of it in another process. Blocks up to --lock-wait. Throws std::runtime_error when the
/// time is up. To be called before signals are blocked.
sys::Fd take_lock(const JobOptions& job);

/// The exit code of a run that owned one command, as --timeout-exit and --preserve-status have it.
/// Where a signal killed the command, this process dies of it.
int exit_code(const job::Outcome& outcome, const JobOptions& job);

}  // namespace procrun::cmd
