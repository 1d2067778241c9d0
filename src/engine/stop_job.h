#pragma once
// Ending a job of `fork` from another process than the one that started it.
#include "job/job.h"
#include "state/records.h"

namespace procrun::engine {

/// Ends all that is left of a job by `plan`, those that left its session too, and waits until it
/// is gone and its end written down. Its supervisor has them all; where that was killed, only those
/// still below the command can be found. Blocks. False: somebody is beyond our reach.
bool stop_job(const state::Record& record, const job::StopPlan& plan);

}  // namespace procrun::engine
