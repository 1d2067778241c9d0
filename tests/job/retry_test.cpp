#include "job/retry.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace std::chrono_literals;
using procrun::ExitStatus;
using procrun::job::Outcome;
using procrun::job::parse_retry_delays;
using procrun::job::parse_retry_reasons;
using procrun::job::Pattern;
using procrun::job::RetryDelays;
using procrun::job::RetryReasons;
using Kind = Outcome::Kind;

namespace {

constexpr double kMiddle = 0.5;  // of the random numbers: no jitter

Outcome exited(int code) { return {.kind = Kind::Ended, .status = ExitStatus{code << 8}}; }
Outcome killed(int signal) { return {.kind = Kind::Ended, .status = ExitStatus{signal}}; }
Outcome ended_as(Kind kind) { return {.kind = kind, .status = ExitStatus{SIGTERM}}; }

}  // namespace

TEST_CASE("without delays an attempt follows at once", "[retry]") {
  CHECK(RetryDelays{}.before(2, kMiddle) == 0s);
}

TEST_CASE("each attempt has its delay, and the last one holds for all that follow", "[retry]") {
  const RetryDelays delays = parse_retry_delays("1s,2s,4s");
  CHECK(delays.before(2, kMiddle) == 1s);
  CHECK(delays.before(3, kMiddle) == 2s);
  CHECK(delays.before(4, kMiddle) == 4s);
  CHECK(delays.before(50, kMiddle) == 4s);
}

TEST_CASE("exponential delays double up to their bound", "[retry]") {
  const RetryDelays delays = parse_retry_delays("exp:1s..60s");
  CHECK(delays.before(2, kMiddle) == 1s);
  CHECK(delays.before(3, kMiddle) == 2s);
  CHECK(delays.before(7, kMiddle) == 32s);
  CHECK(delays.before(8, kMiddle) == 60s);
  CHECK(delays.before(4000, kMiddle) == 60s);
}

TEST_CASE("jitter makes a delay longer or shorter by its part", "[retry]") {
  RetryDelays delays = parse_retry_delays("10s");
  delays.jitter = 0.5;
  CHECK(delays.before(2, 0) == 5s);
  CHECK(delays.before(2, kMiddle) == 10s);
  CHECK(delays.before(2, 1) == 15s);
}

TEST_CASE("what is no delay is refused", "[retry]") {
  for (const char* const text :
       {"", "x", "1s,", ",1s", "exp:", "exp:1s", "exp:..", "exp:1s..", "1s..2s", "-1s"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_retry_delays(text), std::invalid_argument);
  }
}

TEST_CASE("with no reason named every failure is worth another attempt", "[retry]") {
  const RetryReasons reasons;
  CHECK(reasons.hold_for(exited(1), false));
  CHECK(reasons.hold_for(killed(SIGSEGV), false));
  CHECK(reasons.hold_for(ended_as(Kind::TimedOut), false));
}

TEST_CASE("a success, a cancelled job and one that could not start are not tried again",
          "[retry]") {
  const RetryReasons reasons = parse_retry_reasons("timeout,signal,code:0");
  for (const auto& any : {RetryReasons{}, reasons}) {
    CHECK_FALSE(any.hold_for(exited(0), false));
    CHECK_FALSE(any.hold_for(ended_as(Kind::Cancelled), false));
    CHECK_FALSE(any.hold_for(ended_as(Kind::CouldNotStart), false));
    CHECK_FALSE(any.hold_for(ended_as(Kind::Lost), false));
  }
}

TEST_CASE("only the named reasons count", "[retry]") {
  const RetryReasons timeout = parse_retry_reasons("timeout");
  CHECK(timeout.hold_for(ended_as(Kind::TimedOut), false));
  CHECK_FALSE(timeout.hold_for(exited(1), false));
  CHECK_FALSE(timeout.hold_for(killed(SIGTERM), false));
  const RetryReasons signal = parse_retry_reasons("signal");
  CHECK(signal.hold_for(killed(SIGTERM), false));
  CHECK_FALSE(signal.hold_for(ended_as(Kind::TimedOut), false));
  const RetryReasons code = parse_retry_reasons("code:75,code:1");
  CHECK(code.hold_for(exited(75), false));
  CHECK(code.hold_for(exited(1), false));
  CHECK_FALSE(code.hold_for(exited(2), false));
}

TEST_CASE("T12: a code does not stand for the signal of the same number", "[retry]") {
  CHECK_FALSE(parse_retry_reasons("code:9").hold_for(killed(SIGKILL), false));
  CHECK_FALSE(parse_retry_reasons("code:0").hold_for(killed(SIGKILL), false));
}

TEST_CASE("a regular expression is the rest of the reasons, commas and all", "[retry]") {
  const RetryReasons reasons = parse_retry_reasons("code:75,match:a{1,3}b");
  REQUIRE(reasons.match);
  CHECK(reasons.codes == std::vector<int>{75});
  CHECK(reasons.match->matches("xaab"));
  CHECK_FALSE(reasons.match->matches("xb"));
  CHECK(reasons.hold_for(exited(1), true));
  CHECK_FALSE(reasons.hold_for(exited(1), false));
  CHECK(parse_retry_reasons("match:,").match->matches(","));
}

TEST_CASE("what is no reason is refused with the accepted forms", "[retry]") {
  for (const char* const text : {"", "timeouts", "code:", "code:x", "code:256", "code:-1",
                                 "timeout,", "code:1 ", "match:("}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_retry_reasons(text), std::invalid_argument);
  }
  CHECK_THROWS_WITH(parse_retry_reasons("never"), Catch::Contains("timeout, signal, code:N"));
}
