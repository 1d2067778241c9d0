#include "engine/stop_request.h"

#include <signal.h>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::engine::StopRequest;
using Time = procrun::sys::Clock::time_point;

TEST_CASE("a signal to stop that comes again at once is the same request", "[stop_request]") {
  StopRequest request;
  CHECK_FALSE(request.is_told_twice(SIGTERM, Time{}));
  CHECK(request.is_told_twice(SIGTERM, Time{} + 99ms));
  CHECK_FALSE(request.is_told_twice(SIGTERM, Time{} + 100ms));
  CHECK(request.signal() == SIGTERM);
}

TEST_CASE("another signal to stop is another request, however soon it comes", "[stop_request]") {
  StopRequest request;
  CHECK_FALSE(request.is_told_twice(SIGTERM, Time{}));
  CHECK_FALSE(request.is_told_twice(SIGINT, Time{} + 1ms));
  CHECK(request.signal() == SIGTERM);
}
