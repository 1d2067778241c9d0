#pragma once
// The options of `wait` that make it an init: those of tini and dumb-init, and what they lack.
#include <map>
#include <optional>

#include "cmd/options.h"
#include "job/job.h"

namespace procrun::cmd {

/// What they say, before it is put together.
struct InitOptions {
  bool subreaper = false;     // which it is always
  bool init = false;          // the same
  bool single_child = false;  // signals are for COMMAND alone, as they are if nothing else is said
  bool group = false;
  bool tree = false;
  bool session = false;
  bool warn = false;  // of each orphan that is reaped
  int parent_death_signal = 0;
  std::map<int, int> rewrite;  // 0: dropped
  std::optional<job::Leftovers> on_exit;
  bool kill_at_once = false;
  std::optional<sys::Duration> grace;
  job::Policy policy;  // the ends that count as success
};

/// Declares them. What TINI_KILL_PROCESS_GROUP says is taken in.
void add_init_options(Options& options, InitOptions& init);

/// The level of diagnostics that TINI_VERBOSITY asks for; empty where it does not.
std::string level_of_tini();

/// The policy that they make. Throws UsageError where they contradict each other.
job::Policy policy_of(const InitOptions& init);

}  // namespace procrun::cmd
