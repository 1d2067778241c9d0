#include "pool/scheduler.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::pool::Scheduler;
using Time = procrun::sys::Clock::time_point;

namespace {

/// The time when a test begins; it moves as the test says.
const Time kStart{};

/// Slot 0 takes and ends calls that take 1 ms each, the last at the time that is returned.
Time run_quick_ones(Scheduler& scheduler, int count) {
  Time now = kStart;
  for (int i = 0; i < count; ++i) {
    scheduler.given(0, now);
    now += 1ms;
    scheduler.ended(0, now);
  }
  return now;
}

}  // namespace

TEST_CASE("the lowest free slot is next", "[scheduler]") {
  Scheduler scheduler{3};
  CHECK(scheduler.next(false) == 0U);
  scheduler.given(0, kStart);
  CHECK(scheduler.next(false) == 1U);
  scheduler.given(1, kStart);
  CHECK(scheduler.next(false) == 2U);
}

TEST_CASE("there is no next slot while all are busy", "[scheduler]") {
  Scheduler scheduler{2};
  scheduler.given(0, kStart);
  scheduler.given(1, kStart);
  CHECK_FALSE(scheduler.next(false));
  scheduler.ended(1, kStart + 1s);
  CHECK(scheduler.next(false) == 1U);
}

TEST_CASE("a slot that has a worker is next before one that would need a new one", "[scheduler]") {
  Scheduler scheduler{3};
  scheduler.given(0, kStart);
  scheduler.given(1, kStart);
  scheduler.ended(1, kStart + 1s);
  CHECK(scheduler.next(false) == 1U);
}

TEST_CASE("a slot whose worker is gone counts as new again", "[scheduler]") {
  Scheduler scheduler{3};
  scheduler.given(0, kStart);
  scheduler.given(1, kStart);
  scheduler.emptied(0);
  CHECK(scheduler.in_hand(0) == 0);
  CHECK(scheduler.busy() == 1);
  scheduler.ended(1, kStart + 1s);
  CHECK(scheduler.next(false) == 1U);
}

TEST_CASE("a slot for which no worker can be started gets nothing", "[scheduler]") {
  Scheduler scheduler{2};
  scheduler.disable(0);
  CHECK(scheduler.next(false) == 1U);
  scheduler.given(1, kStart);
  CHECK_FALSE(scheduler.next(true));
}

TEST_CASE("calls are given ahead only after several quick ones in a row", "[scheduler]") {
  Scheduler scheduler{1};
  const Time now = run_quick_ones(scheduler, 3);
  scheduler.given(0, now);
  CHECK_FALSE(scheduler.next(true));
  scheduler.ended(0, now + 1ms);
  scheduler.given(0, now + 1ms);
  CHECK(scheduler.next(true) == 0U);
}

TEST_CASE("calls are not given ahead where that is not allowed", "[scheduler]") {
  Scheduler scheduler{1};
  scheduler.given(0, run_quick_ones(scheduler, 10));
  CHECK_FALSE(scheduler.next(false));
}

TEST_CASE("a slot is given one call ahead and no more", "[scheduler]") {
  Scheduler scheduler{1};
  const Time now = run_quick_ones(scheduler, 10);
  scheduler.given(0, now);
  scheduler.given(0, now);
  CHECK(scheduler.in_hand(0) == 2);
  CHECK(scheduler.busy() == 1);
  CHECK_FALSE(scheduler.next(true));
}

TEST_CASE("a free slot comes before one that is given ahead", "[scheduler]") {
  Scheduler scheduler{2};
  scheduler.given(0, run_quick_ones(scheduler, 10));
  CHECK(scheduler.next(true) == 1U);
}

TEST_CASE("one slow call ends the giving ahead", "[scheduler]") {
  Scheduler scheduler{1};
  Time now = run_quick_ones(scheduler, 10);
  scheduler.given(0, now);
  now += Scheduler::kQuick;
  scheduler.ended(0, now);
  scheduler.given(0, now);
  CHECK_FALSE(scheduler.next(true));
}

TEST_CASE("a call that waited behind another begins when that ends", "[scheduler]") {
  Scheduler scheduler{1};
  scheduler.given(0, kStart);
  scheduler.given(0, kStart + 1ms);
  CHECK(scheduler.since(0) == kStart);
  scheduler.ended(0, kStart + 5s);
  CHECK(scheduler.since(0) == kStart + 5s);
  CHECK(scheduler.in_hand(0) == 1);
}

TEST_CASE("a call that was taken back is no longer in hand", "[scheduler]") {
  Scheduler scheduler{1};
  scheduler.given(0, kStart);
  scheduler.given(0, kStart);
  scheduler.returned(0);
  CHECK(scheduler.in_hand(0) == 1);
  CHECK(scheduler.busy() == 1);
  scheduler.ended(0, kStart + 1s);
  CHECK(scheduler.busy() == 0);
}

TEST_CASE("slots can be added, and are next when those before them are busy", "[scheduler]") {
  Scheduler scheduler{1};
  scheduler.given(0, kStart);
  CHECK_FALSE(scheduler.next(false));
  scheduler.resize(3);
  CHECK(scheduler.next(false) == 1U);
  scheduler.given(1, kStart);
  CHECK(scheduler.next(false) == 2U);
}

TEST_CASE("of fewer slots none is next while so many are busy, surplus ones among them",
          "[scheduler]") {
  Scheduler scheduler{3};
  for (unsigned slot = 0; slot < 3; ++slot) scheduler.given(slot, kStart);
  scheduler.resize(1);
  scheduler.ended(0, kStart);
  CHECK_FALSE(scheduler.next(false));
  scheduler.ended(2, kStart);
  CHECK_FALSE(scheduler.next(false));
  scheduler.ended(1, kStart);
  CHECK(scheduler.next(false) == 0U);
  scheduler.given(0, kStart);
  CHECK_FALSE(scheduler.next(false));
}

TEST_CASE("slots that were taken away come back", "[scheduler]") {
  Scheduler scheduler{2};
  scheduler.given(0, kStart);
  scheduler.resize(1);
  CHECK_FALSE(scheduler.next(false));
  scheduler.resize(2);
  CHECK(scheduler.next(false) == 1U);
}
