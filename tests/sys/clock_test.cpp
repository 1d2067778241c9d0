#include "sys/clock.h"

#include <catch2/catch.hpp>
#include <ctime>

namespace procrun::sys {
namespace {

/// The time of day by gmtime(3), to the second.
std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  tm parts{};
  ::gmtime_r(&now, &parts);
  char text[32];
  return {text, ::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)};
}

TEST_CASE("the time of day is the one that gmtime(3) tells, and has milliseconds", "[clock]") {
  const std::string before = utc_now();
  const std::string now = rfc3339_now();
  const std::string after = utc_now();
  CHECK_THAT(now, Catch::Matches(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"));
  // time(2) may lag behind by a tick of the kernel.
  CHECK(now.substr(0, 16) >= before.substr(0, 16));
  CHECK(now.substr(0, before.size()) <= after.substr(0, 17) + "99");
}

TEST_CASE("a moment of our clock is told as the time of day that it was", "[clock]") {
  const auto now = Clock::now();
  CHECK(rfc3339(now - std::chrono::hours{24 * 366}) < rfc3339(now - std::chrono::hours{24}));
  CHECK(rfc3339(now - std::chrono::hours{24}).substr(11, 5) == rfc3339(now).substr(11, 5));
}

}  // namespace
}  // namespace procrun::sys
