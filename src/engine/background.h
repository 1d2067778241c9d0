#pragma once
// A command that is let go: a small supervisor of its own stays with it.
#include <string>

#include "job/job.h"
#include "sys/signals.h"

namespace procrun::engine {

/// Whether the command runs: its pid, or why not and the exit code for that.
struct Background {
  pid_t pid = 0;
  int code = 0;
  std::string why = {};
};

/// Starts `job` in a session of its own below a supervisor that has left ours, with stdin from
/// /dev/null, the given descriptors (borrowed) as stdout and stderr, and no other of ours. Returns
/// once the exec has succeeded, or failed. The supervisor lives until nothing of the command's tree
/// is left; INT, TERM and HUP make it end that tree. All signals must be blocked.
Background start_in_background(const job::Job& job, const job::Policy& policy, int out, int err);

}  // namespace procrun::engine
