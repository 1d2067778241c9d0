#include "bench/race.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "bench/budget.h"
#include "support.h"

namespace procrun::bench {
namespace {

Contender shell(const std::string& line) { return {.name = "sh", .argv = {"sh", "-c", line}}; }

// So many runs, each of so many seconds.
Result result_of(const std::string& name, long jobs, const std::vector<double>& seconds) {
  Result result{{.name = name, .argv = {}, .jobs = jobs}, {}};
  for (const double each : seconds) result.runs.push_back({.seconds = each});
  return result;
}

}  // namespace

TEST_CASE("a run takes as long as its process lives, and tells what CPU time it used", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  const auto slept = run(shell("sleep 0.05"));
  CHECK(slept.seconds >= 0.05);
  CHECK(slept.cpu_seconds < slept.seconds);
  CHECK(slept.pss_mib.empty());
}

TEST_CASE("a contender that fails is an error, not a quick run", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  CHECK_THROWS_WITH(run(shell("exit 3")), "sh: exited with 3");
  CHECK_THROWS_WITH(run(shell("kill -KILL $$")), "sh: killed by signal 9");
  CHECK_THROWS_WITH(run({.name = "none", .argv = {"no-such-program"}}),
                    "no-such-program: not found");
}

TEST_CASE("a contender whose output is not whole is an error", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  auto contender = shell("printf abcabc");
  contender.jobs = 2;
  contender.job_bytes = 3;
  contender.sink = Sink::Pipe;
  CHECK_NOTHROW(run(contender));
  contender.job_bytes = 4;
  CHECK_THROWS_WITH(run(contender), "sh: wrote 6 bytes instead of 8");
}

TEST_CASE("a contender that takes its own time is believed", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  auto contender = shell("echo 12.5");
  contender.sink = Sink::Seconds;
  CHECK(run(contender).seconds == 12.5);
  contender.argv = {"true"};
  CHECK_THROWS_WITH(run(contender), "sh: printed no time");
}

TEST_CASE("a contender reads and writes the files that it is given", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  const test::TempDir directory;
  auto contender = shell("cat >&2");
  contender.input = directory / "in";
  contender.errors = directory / "err";
  test::write_file(contender.input, "a line\n");
  run(contender);
  CHECK(test::read_file(contender.errors) == "a line\n");
}

TEST_CASE("memory is looked at while the program runs", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::SameOpenFds same_open_fds;
  auto contender = shell("sleep 0.05; :");
  contender.watch = std::chrono::milliseconds{5};
  const auto watched = run(contender);
  CHECK(watched.pss_mib.size() > 1);
  CHECK(watched.pss_mib.at(1) > 0);
}

TEST_CASE("each round has every contender, and another one begins it", "[bench]") {
  const test::NoChildLeft no_child_left;
  const test::TempDir directory;
  const std::string log = directory / "log";
  const auto writer = [&](const std::string& name) {
    return Contender{.name = name, .argv = {"sh", "-c", "echo " + name + " >>" + log}};
  };
  const auto results = race({writer("a"), writer("b")}, 2);
  CHECK(results.at("a").runs.size() == 2);
  CHECK(results.at("b").runs.size() == 2);
  CHECK(test::read_file(log) == "a\nb\nb\na\n");
}

TEST_CASE("a budget compares medians, job by job", "[bench]") {
  const Results results{{"quick", result_of("quick", 10, {1, 9, 1})},
                        {"slow", result_of("slow", 5, {2, 2, 2})}};
  const auto rate = rate_at_least(4, "quick", 4, "slow");
  CHECK(rate.figure(results) == Approx(4));
  CHECK(rate.met_by(4));
  CHECK_FALSE(rate.met_by(3.9));
  const auto time = time_at_most(4, "slow", 4, "quick");
  CHECK(time.figure(results) == Approx(4));
  CHECK(time.met_by(4));
  CHECK_FALSE(time.met_by(4.1));
}

TEST_CASE("what a wrapper adds is compared with what its peer adds", "[bench]") {
  const Results results{{"direct", result_of("direct", 1, {1, 2, 3})},
                        {"ours", result_of("ours", 1, {2, 3, 4})},
                        {"peer", result_of("peer", 1, {3, 4, 5})}};
  CHECK(added_at_most(3, "ours", 0.85, "peer", "direct").figure(results) == Approx(0.5));
}

TEST_CASE("memory that was never seen keeps no promise", "[bench]") {
  const Results results{{"ours", result_of("ours", 1, {1})}};
  CHECK_FALSE(pss_at_most(4, "ours", 8).met_by(pss_at_most(4, "ours", 8).figure(results)));
  CHECK_FALSE(pss_flat(4, "ours", 1.1).met_by(pss_flat(4, "ours", 1.1).figure(results)));
}

}  // namespace procrun::bench
