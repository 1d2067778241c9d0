#include "engine/tally.h"

#include <signal.h>

#include <catch2/catch.hpp>

namespace {

using procrun::ExitStatus;
using procrun::engine::HaltRule;
using procrun::engine::Recipe;
using procrun::engine::Tally;
using procrun::job::Job;
using procrun::job::Outcome;

const Recipe kRecipe{Recipe::Form::Exec, procrun::input::Template{std::vector<std::string>{"cc"}},
                     "/bin/sh"};
const Outcome kOk{.kind = Outcome::Kind::Ended, .status = ExitStatus{0}};
const Outcome kCode2{.kind = Outcome::Kind::Ended, .status = ExitStatus{2 << 8}};
const Outcome kCancelled{.kind = Outcome::Kind::Cancelled, .status = ExitStatus{0}};

TEST_CASE("a tally names the first failure, not those that were cancelled for it", "[tally]") {
  Tally tally{kRecipe};
  CHECK(tally.summary() == "0 jobs, 0 ok");
  tally.count(Job{.seq = 1, .argv = {"true"}}, kOk);
  CHECK(tally.summary() == "1 job, 1 ok");
  tally.count(Job{.seq = 2, .argv = {"cc", "x.c"}}, kCancelled);
  tally.count(Job{.seq = 3, .argv = {"cc", "a.c"}}, kCode2);
  tally.count(Job{.seq = 4, .argv = {"cc", "b.c"}}, kCode2);
  tally.left_out();
  tally.ended_by(SIGTERM);
  tally.ended_by(SIGINT);  // it was ended already
  CHECK(tally.summary() ==
        "4 jobs, 1 ok, 2 failed (job 3: cc a.c: code 2), 1 cancelled, 1 left out; ended by signal "
        "15 (TERM)");
  CHECK(tally.result().signal == SIGTERM);
}

TEST_CASE("a tally names the first job that was skipped, which is no failure", "[tally]") {
  Tally tally{kRecipe};
  tally.count(Job{.seq = 1, .argv = {"cc"}}, kCode2);
  tally.skipped(4, "needs 'build', which failed");
  tally.skipped(5, "needs 'x', which was skipped");
  CHECK(tally.summary() ==
        "1 job, 0 ok, 1 failed (job 1: cc: code 2), 2 skipped (job 4 needs 'build', which failed)");
  CHECK(tally.result().failed == 1);
  CHECK(tally.result().skipped == 2);
}

TEST_CASE("a tally holds a rule against what failed, not against what was cancelled", "[tally]") {
  Tally tally{kRecipe};
  const HaltRule rule{.when = HaltRule::When::Now, .what = HaltRule::What::Fail, .count = 2};
  tally.count(Job{.seq = 1, .argv = {"a"}}, kCancelled);
  tally.count(Job{.seq = 2, .argv = {"b"}}, kCode2);
  CHECK_FALSE(tally.holds(rule, {}));
  tally.count(Job{.seq = 3, .argv = {"c"}}, kCode2);
  CHECK(tally.holds(rule, {}));
}

}  // namespace
