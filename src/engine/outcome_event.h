#pragma once
// An outcome, told as an event.
#include <cstdint>

#include "event/event.h"
#include "job/job.h"
#include "job/supervise.h"

namespace procrun::engine {

/// There was a process, and it ended before our eyes.
bool has_run(const job::Outcome& outcome) noexcept;

/// JobEnd, or JobFailed where there was no process that could end by itself. Without a record.
event::Event end_event(std::uint64_t seq, const job::Outcome& outcome);

/// Enters into the record how the job ended.
void add_end(event::JobRecord& record, const job::Supervised& result);

}  // namespace procrun::engine
