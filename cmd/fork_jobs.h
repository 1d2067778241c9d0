#pragma once
// What `fork` says of jobs that it has let go, and does with them: --list, --stop, --logs.
#include <optional>
#include <string>
#include <vector>

#include "cmd/shared.h"
#include "state/records.h"

namespace procrun::cmd {

struct JobsOptions {
  bool list = false;
  bool json = false;
  std::vector<std::string> stop = {};
  std::string logs = {};
  bool follow = false;
  bool oknodo = false;  // nothing to be done is no failure
  std::optional<job::StopPlan> term_seq = std::nullopt;
  std::string term_seq_text = {};

  /// One of them is asked for, instead of a start.
  bool wanted() const { return list || !stop.empty() || !logs.empty(); }
};

/// Declares the options that are these jobs' alone.
void add_jobs_options(Options& options, JobsOptions& jobs);

/// Does what is asked for; the exit code. Throws UsageError.
int run_jobs(const Options& options, const Words& rest, const JobsOptions& jobs,
             const Shared& shared);

/// The job that goes by that name or has that pid; if there is none, that is told.
std::optional<state::Record> find_job(const state::Records& records, const std::string& word);

/// What a job is called before people: its name, else its pid.
std::string name_of(const state::Record& record);

}  // namespace procrun::cmd
