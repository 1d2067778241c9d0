#include "job/deadlines.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::job::Deadlines;
using Time = procrun::sys::Clock::time_point;

namespace {

const Time kStart = Time{} + 1h;

}  // namespace

TEST_CASE("where nothing is to be done nothing is near", "[deadlines]") {
  const Deadlines deadlines;
  CHECK_FALSE(deadlines.nearest());
  CHECK_FALSE(deadlines.is_set(Deadlines::TimeIsUp));
  CHECK_FALSE(deadlines.due(Deadlines::TimeIsUp, kStart + 1000h));
}

TEST_CASE("the nearest of several deadlines is the earliest", "[deadlines]") {
  Deadlines deadlines;
  deadlines.set(Deadlines::TimeIsUp, kStart + 2s);
  deadlines.set(Deadlines::NextStep, kStart + 1s);
  CHECK(deadlines.nearest() == kStart + 1s);
  deadlines.clear(Deadlines::NextStep);
  CHECK(deadlines.nearest() == kStart + 2s);
}

TEST_CASE("a deadline is due from its time on", "[deadlines]") {
  Deadlines deadlines;
  deadlines.set(Deadlines::Retry, kStart + 1s);
  CHECK_FALSE(deadlines.due(Deadlines::Retry, kStart + 999ms));
  CHECK(deadlines.due(Deadlines::Retry, kStart + 1s));
  CHECK_FALSE(deadlines.due(Deadlines::TimeIsUp, kStart + 1s));
}

TEST_CASE("T49: a pause does not use up the time", "[deadlines]") {
  Deadlines deadlines;
  deadlines.set(Deadlines::TimeIsUp, kStart + 10s);
  deadlines.pause(kStart + 4s);
  CHECK_FALSE(deadlines.nearest());
  CHECK_FALSE(deadlines.due(Deadlines::TimeIsUp, kStart + 100s));
  CHECK(deadlines.resume(kStart + 104s) == 100s);
  CHECK(deadlines.nearest() == kStart + 110s);
  CHECK(deadlines.due(Deadlines::TimeIsUp, kStart + 110s));
}

TEST_CASE("a second pause within a pause is the same one", "[deadlines]") {
  Deadlines deadlines;
  deadlines.set(Deadlines::TimeIsUp, kStart + 10s);
  deadlines.pause(kStart);
  deadlines.pause(kStart + 5s);
  CHECK(deadlines.resume(kStart + 8s) == 8s);
  CHECK(deadlines.resume(kStart + 9s) == 0s);
  CHECK(deadlines.at(Deadlines::TimeIsUp) == kStart + 18s);
}
