#pragma once
// Durations and deadlines are measured on CLOCK_MONOTONIC, which no one sets.
#include <chrono>
#include <optional>
#include <string>

namespace procrun::sys {

using Clock = std::chrono::steady_clock;
using Duration = std::chrono::nanoseconds;

/// When a wait ends by itself; empty: never.
using Deadline = std::optional<Clock::time_point>;

/// The earlier of two.
inline Deadline earlier(const Deadline& a, const Deadline& b) {
  if (!a) return b;
  if (!b) return a;
  return *a < *b ? a : b;
}

/// The processor time that this process has used.
Duration cpu_time();

/// The time of day as RFC 3339 has it, in UTC, to the millisecond.
std::string rfc3339_now();
/// What it was at a moment of our clock, as the time of day is set now.
std::string rfc3339(Clock::time_point moment);

}  // namespace procrun::sys
