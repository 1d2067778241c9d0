#include "engine/outcome_event.h"

namespace procrun::engine {

using event::JobRecord;
using Kind = job::Outcome::Kind;

namespace {

/// The code of a command whose worker was lost; its end was not seen.
constexpr int kUnseen = -1;

JobRecord::End end_of(const job::Outcome& outcome) {
  if (outcome.success()) return JobRecord::End::Ok;
  if (outcome.kind == Kind::TimedOut) return JobRecord::End::TimedOut;
  if (outcome.kind == Kind::Cancelled) return JobRecord::End::Cancelled;
  if (outcome.kind == Kind::CouldNotStart) return JobRecord::End::CouldNotStart;
  return outcome.kind == Kind::Lost ? JobRecord::End::Lost : JobRecord::End::Failed;
}

std::optional<int> seen_end(const job::Outcome& outcome) {
  return has_run(outcome) && outcome.pid != 0 ? std::optional{outcome.status.raw()} : std::nullopt;
}

}  // namespace

bool has_run(const job::Outcome& outcome) noexcept {
  return outcome.kind != Kind::CouldNotStart && outcome.kind != Kind::Lost;
}

event::Event end_event(std::uint64_t seq, const job::Outcome& outcome) {
  return {.type = has_run(outcome) ? event::Type::JobEnd : event::Type::JobFailed,
          .seq = seq,
          .pid = outcome.pid,
          .status = outcome.success() ? 0 : 1,
          .duration = outcome.duration,
          .text = outcome.text()};
}

void add_end(JobRecord& record, const job::Supervised& result) {
  const job::Outcome& outcome = result.outcome;
  record.end = end_of(outcome);
  record.status = seen_end(outcome);
  if (outcome.kind == Kind::CouldNotStart) {
    record.code = outcome.code;
  } else if (outcome.kind == Kind::Lost) {
    record.code = kUnseen;
  } else if (outcome.status.signaled()) {
    record.signal = outcome.status.term_signal();
  } else {
    record.code = outcome.status.code();
    // It exited well, but it is no success: a leak, too much output.
    if (record.code == 0 && record.end == JobRecord::End::Failed) record.code = 1;
  }
  record.attempts = outcome.attempts;
  record.stdout_bytes = result.output.stdout_bytes;
  record.user = outcome.usage.user;
  record.system = outcome.usage.system;
  record.max_rss = outcome.usage.max_rss;
}

}  // namespace procrun::engine
