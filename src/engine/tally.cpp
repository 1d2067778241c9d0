#include "engine/tally.h"

#include <fmt/core.h>

#include "sys/signals.h"

namespace procrun::engine {

void Tally::count(const job::Job& job, const job::Outcome& outcome) {
  ++result_.jobs;
  if (outcome.kind == job::Outcome::Kind::Cancelled) {
    ++result_.cancelled;
  } else if (!outcome.success() && ++result_.failed == 1) {
    const bool exited = outcome.kind == job::Outcome::Kind::Ended && outcome.status.exited();
    const std::string how = exited ? fmt::format("code {}", outcome.status.code()) : outcome.text();
    first_failure_ = fmt::format(" (job {}: {}: {})", job.seq, recipe_.text(job), how);
  }
}

void Tally::skipped(std::uint64_t seq, const std::string& why) {
  if (++result_.skipped == 1) first_skipped_ = fmt::format(" (job {} {})", seq, why);
}

void Tally::ended_by(int signal) noexcept {
  if (result_.signal == 0) result_.signal = signal;
}

bool Tally::holds(const HaltRule& rule, const std::optional<std::uint64_t>& total) const {
  return rule.holds(result_.failed, succeeded(), total);
}

std::string Tally::summary() const {
  std::string text =
      fmt::format("{} job{}, {} ok", result_.jobs, result_.jobs == 1 ? "" : "s", succeeded());
  if (result_.failed != 0) text += fmt::format(", {} failed{}", result_.failed, first_failure_);
  if (result_.cancelled != 0) text += fmt::format(", {} cancelled", result_.cancelled);
  if (result_.skipped != 0) text += fmt::format(", {} skipped{}", result_.skipped, first_skipped_);
  if (result_.left_out != 0) text += fmt::format(", {} left out", result_.left_out);
  if (result_.signal != 0) {
    text +=
        fmt::format("; ended by signal {} ({})", result_.signal, sys::signal_name(result_.signal));
  }
  return text;
}

}  // namespace procrun::engine
