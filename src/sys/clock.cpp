#include "sys/clock.h"

#include <fmt/core.h>

#include <ctime>

namespace procrun::sys {

namespace {

using WallTime = std::chrono::time_point<std::chrono::system_clock, Duration>;

std::string text_of(WallTime time) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
  const auto rest = std::chrono::floor<std::chrono::milliseconds>(time - seconds);
  const std::time_t whole = seconds.time_since_epoch().count();
  tm parts{};
  ::gmtime_r(&whole, &parts);
  char text[32];
  const std::size_t size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view{text, size}, rest.count());
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
