#include "sys/clock.h"

#include <fmt/core.h>

#include <ctime>

namespace procrun::sys {

std::string rfc3339_now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  tm parts{};
  ::gmtime_r(&time.tv_sec, &parts);
  char text[32];
  const std::size_t size = ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:03}Z", std::string_view{text, size}, time.tv_nsec / 1'000'000);
}

}  // namespace procrun::sys
