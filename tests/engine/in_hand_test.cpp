#include "engine/in_hand.h"

#include <catch2/catch.hpp>

#include "job/own_policy.h"

namespace {

using namespace std::chrono_literals;
using procrun::engine::InHand;
using procrun::engine::JobInHand;
using procrun::job::OwnPolicy;
using procrun::sys::Clock;
using Late = std::vector<InHand::Late>;

JobInHand begun(std::uint64_t seq, Clock::time_point since) {
  return {.waiting = {}, .job = {.seq = seq}, .record = {}, .since = since};
}

TEST_CASE("a job in hand is out of time once an attempt, the first one first", "[in_hand]") {
  const Clock::time_point start = Clock::now();
  InHand jobs;
  jobs.add(begun(1, start + 1s));
  jobs.add(begun(2, start));
  CHECK(jobs.time_up({}) == std::nullopt);
  CHECK(jobs.time_up(10s) == start + 10s);
  CHECK(jobs.out_of_time(10s, start + 9s) == Late{});
  CHECK(jobs.out_of_time(10s, start + 10s) == Late{{2, 1}});
  CHECK(jobs.out_of_time(10s, start + 10s) == Late{});
  CHECK(jobs.time_up(10s) == start + 11s);
  jobs.try_again(2, 1h);
  CHECK(jobs.out_of_time(10s, start + 11s) == Late{{1, 1}});
  CHECK(jobs.time_up(10s) > start + 1h);
  CHECK(jobs.out_of_time(10s, start + 3h) == Late{{2, 2}});
  jobs.try_again(3, 1h);  // has ended meanwhile
  CHECK(jobs.find(3) == nullptr);
}

TEST_CASE("a job with a time limit of its own is not measured by others", "[in_hand]") {
  const Clock::time_point start = Clock::now();
  InHand jobs;
  JobInHand one = begun(1, start);
  one.job.own = std::make_shared<OwnPolicy>(OwnPolicy{.timeout = 0s});
  jobs.add(one);
  CHECK(jobs.time_up(10s) == std::nullopt);
  CHECK(jobs.out_of_time(10s, start + 1h) == Late{});
}

TEST_CASE("the places that jobs in hand take are counted", "[in_hand]") {
  InHand jobs;
  jobs.add(begun(1, Clock::now()));
  JobInHand wide = begun(2, Clock::now());
  wide.extra_places = 3;
  jobs.add(wide);
  CHECK(jobs.extra_places() == 3);
  jobs.take(1);
  CHECK(jobs.extra_places() == 3);
  jobs.take(2);
  CHECK(jobs.extra_places() == 0);
}

TEST_CASE("T49: a job in hand does not use up its time while all stand still", "[in_hand]") {
  const Clock::time_point start = Clock::now();
  InHand jobs;
  jobs.add(begun(1, start));
  jobs.stood_still(1min);
  CHECK(jobs.time_up(10s) == start + 70s);
  CHECK(jobs.take(1).job.seq == 1);
  CHECK(jobs.empty());
}

}  // namespace
