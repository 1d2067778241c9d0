#pragma once
// What a command is told of its job in variables of its environment.
#include <string>
#include <vector>

#include "cmd/job_options.h"
#include "job/job.h"

namespace procrun::cmd {

/// What a pool tells its jobs besides their numbers and places.
struct PoolVariables {
  std::string run_id;
  std::string slot_variable;  // gets the slot, from 0; empty: there is none
};

/// The name of a variable for a job's slot. Throws std::invalid_argument where it is none, or is
/// that of one which tells a job something else.
std::string parse_slot_variable(const std::string& text);

/// Has `policy` tell a pool's jobs who they are. What a procrun above us has told us is left out; a
/// variable that the options set or unset is theirs, and under --clear-env only the slot variable
/// is told.
void tell_jobs(job::Policy& policy, const JobOptions& options, const PoolVariables& told);

/// The same for the one command of spawn, which hears only which attempt it is: of other variables
/// it inherits those of a pool above.
void tell_attempt(job::Policy& policy, const JobOptions& options);

}  // namespace procrun::cmd
