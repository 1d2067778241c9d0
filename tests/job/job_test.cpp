#include "job/job.h"

#include <signal.h>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::ExitStatus;
using procrun::job::Known;
using procrun::job::Outcome;
using procrun::job::Usage;
using Kind = Outcome::Kind;

TEST_CASE("the default stop plan is TERM, ten seconds, KILL", "[job]") {
  const auto plan = procrun::job::default_stop_plan();
  REQUIRE(plan.size() == 2);
  CHECK(plan[0].signal == SIGTERM);
  CHECK(plan[0].wait == 10s);
  CHECK(plan[1].signal == SIGKILL);
}

TEST_CASE("the variables of an attempt tell the job's numbers", "[job]") {
  using procrun::job::Variable;
  const procrun::job::Job job{.seq = 1ULL << 40, .slot = 3};
  const std::vector<Variable> variables{{"A", Variable::What::Seq},
                                        {"B", Variable::What::Slot},
                                        {"C", Variable::What::SlotFromZero},
                                        {"D", Variable::What::Attempt}};
  CHECK(procrun::job::environment_of(job, variables, 5) ==
        std::string{"A=1099511627776\0B=3\0C=2\0D=5\0", 28});
  CHECK(procrun::job::environment_of(job, {}, 1).empty());
}

TEST_CASE("each outcome is told in words", "[job]") {
  const ExitStatus term{SIGTERM};
  const ExitStatus none;
  CHECK(Outcome{.status = ExitStatus{2 << 8}}.text() == "exited with code 2");
  CHECK(Outcome{.kind = Kind::TimedOut, .status = term}.text() ==
        "timed out: killed by signal 15 (TERM)");
  CHECK(Outcome{.kind = Kind::Cancelled, .status = none}.text() == "cancelled");
  CHECK(Outcome{.kind = Kind::Cancelled, .status = term, .pid = 7}.text() ==
        "cancelled: killed by signal 15 (TERM)");
  CHECK(Outcome{.kind = Kind::CouldNotStart, .status = none, .why = "cannot execute x"}.text() ==
        "cannot execute x");
  CHECK(Outcome{.kind = Kind::Lost, .status = none, .why = "lost"}.text() == "lost");
  CHECK(Outcome{.status = ExitStatus{SIGKILL}, .oom = Known::Yes}.text() ==
        "killed by signal 9 (KILL), out of memory");
  const auto too_much = Outcome::Fault::Output;
  CHECK(Outcome{.status = none, .fault = too_much}.text() ==
        "exited with code 0, but wrote more than it may");
  CHECK(Outcome{.status = term, .fault = too_much}.text() ==
        "killed by signal 15 (TERM), for it wrote more than it may");
}

TEST_CASE("only a command that ended well by itself is a success", "[job]") {
  const ExitStatus failed{1 << 8};
  const ExitStatus well;
  CHECK(Outcome{.status = well}.success());
  CHECK_FALSE(Outcome{.status = failed}.success());
  CHECK(Outcome{.status = failed, .accepted = true}.success());
  CHECK_FALSE(Outcome{.status = well, .fault = Outcome::Fault::Leak}.success());
  CHECK_FALSE(Outcome{.status = well, .fault = Outcome::Fault::Stderr, .accepted = true}.success());
  for (const Kind kind : {Kind::TimedOut, Kind::Cancelled, Kind::CouldNotStart, Kind::Lost}) {
    CHECK_FALSE(Outcome{.kind = kind, .status = well, .accepted = true}.success());
  }
}

TEST_CASE("usage is summed, but of memory the most counts", "[job]") {
  rusage first{};
  first.ru_utime = {.tv_sec = 1, .tv_usec = 500'000};
  first.ru_maxrss = 300;
  first.ru_nvcsw = 5;
  rusage second{};
  second.ru_utime = {.tv_sec = 2, .tv_usec = 600'000};
  second.ru_maxrss = 200;
  second.ru_nvcsw = 6;
  Usage usage;
  usage.add(first);
  usage.add(second);
  CHECK(usage.user == 4100ms);
  CHECK(usage.max_rss == 300);
  CHECK(usage.voluntary_switches == 11);
}
