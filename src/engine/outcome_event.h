#pragma once
// An outcome, told as an event.
#include <cstdint>

#include "event/event.h"
#include "job/job.h"

namespace procrun::engine {

/// JobEnd, or JobFailed where there was no process that could end by itself.
inline event::Event end_event(std::uint64_t seq, const job::Outcome& outcome) {
  using Kind = job::Outcome::Kind;
  const bool ran = outcome.kind != Kind::CouldNotStart && outcome.kind != Kind::Lost;
  return {.type = ran ? event::Type::JobEnd : event::Type::JobFailed,
          .seq = seq,
          .pid = outcome.pid,
          .status = outcome.success() ? 0 : 1,
          .duration = outcome.duration,
          .text = outcome.text()};
}

}  // namespace procrun::engine
