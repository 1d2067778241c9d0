#include "sys/clock.h"

#include <fmt/core.h>

#include <ctime>

namespace procrun::sys {

namespace {

using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

/// By the calendar alone: gmtime(3) would read the time zone's file first.
std::string text_of(WallTime time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss clock{std::chrono::floor<std::chrono::milliseconds>(time - day)};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace

Duration cpu_time() {
  timespec used{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return std::chrono::seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

std::string rfc3339_now() { return text_of(std::chrono::system_clock::now()); }

std::string rfc3339(Clock::time_point moment) {
  return text_of(std::chrono::system_clock::now() - (Clock::now() - moment));
}

}  // namespace procrun::sys
