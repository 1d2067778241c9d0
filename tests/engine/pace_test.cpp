#include "engine/pace.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::engine::Pace;

TEST_CASE("there is no limit before three jobs have ended well", "[pace]") {
  Pace pace{200};
  pace.ended_well(10ms);
  pace.ended_well(20ms);
  CHECK_FALSE(pace.limit());
  pace.ended_well(30ms);
  CHECK(pace.limit() == 40ms);
}

TEST_CASE("the median of an even number of jobs lies between the middle two", "[pace]") {
  Pace pace{100};
  for (const auto took : {40ms, 10ms, 1000ms, 20ms}) pace.ended_well(took);
  CHECK(pace.limit() == 30ms);
}

TEST_CASE("only the last thousand jobs count", "[pace]") {
  Pace pace{50};
  for (int i = 0; i < 1000; ++i) pace.ended_well(10ms);
  for (int i = 0; i < 501; ++i) pace.ended_well(20ms);
  CHECK(pace.limit() == 10ms);
  for (int i = 0; i < 1000; ++i) pace.ended_well(i % 2 == 0 ? 2ms : 4ms);
  CHECK(pace.limit() == 1500us);
}

TEST_CASE("without a percentage jobs may run for ever", "[pace]") {
  Pace pace{0};
  for (int i = 0; i < 5; ++i) pace.ended_well(10ms);
  CHECK_FALSE(pace.limits());
  CHECK_FALSE(pace.limit());
}
