#include "job/own_policy.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "job/retry.h"

using namespace std::chrono_literals;
using procrun::job::environment_of;
using procrun::job::Job;
using procrun::job::OwnPolicy;
using procrun::job::Policy;
using procrun::job::RetryPolicy;
using procrun::job::Variable;
using procrun::job::with;
using Texts = std::vector<std::string>;

TEST_CASE("what a job does not say is as for all", "[own_policy]") {
  Policy all{.timeout = 5s, .retries = 2};
  all.env = Texts{"A=1"};
  all.directory = "/d";
  all.variables = {{"S", Variable::What::Seq}};
  const Policy policy = with(all, {.name = "n"});
  CHECK(policy.timeout == 5s);
  CHECK(policy.retries == 2);
  CHECK(policy.env == Texts{"A=1"});
  CHECK(policy.directory == "/d");
  CHECK(policy.variables.size() == 1);
}

TEST_CASE("a job's own time limit counts, and can be none at all", "[own_policy]") {
  const Policy all{.timeout = 5s};
  CHECK(with(all, {.timeout = 1s}).timeout == 1s);
  CHECK(with(all, {.timeout = 0s}).timeout == std::nullopt);
}

TEST_CASE("a job's own retries count, with the delays and reasons of all", "[own_policy]") {
  Policy all;
  all.output.takes_turns = true;
  CHECK(with(all, {.retries = 0}).output.takes_turns);
  const Policy again = with(all, {.retries = 3});
  CHECK(again.retries == 3);
  CHECK(again.retry != nullptr);
  CHECK_FALSE(again.output.takes_turns);
  all.output.by_line = true;  // where all attempts are shown, each in its turn
  CHECK(with(all, {.retries = 3}).output.takes_turns);
  all.retry = std::make_shared<const RetryPolicy>();
  CHECK(with(all, {.retries = 1}).retry == all.retry);
}

TEST_CASE("a job's own directory is seen from that of all", "[own_policy]") {
  const auto directory = [](const std::string& all, const std::string& own) {
    Policy policy;
    policy.directory = all;
    return with(policy, {.directory = own}).directory;
  };
  CHECK(directory("", "a") == "a");
  CHECK(directory("/d", "a") == "/d/a");
  CHECK(directory("d", "/a") == "/a");
}

TEST_CASE("a job's own variables come on top of those of all", "[own_policy]") {
  Policy all;
  all.env = Texts{"A=1", "B=2", "C=3"};
  all.variables = {{"SEQ", Variable::What::Seq}, {"SLOT", Variable::What::Slot}};
  const Policy policy =
      with(all, {.env = {"A=new", "SEQ=mine", "D="}, .unset = {"B", "SLOT", "nowhere"}});
  CHECK(policy.env == Texts{"C=3", "A=new", "SEQ=mine", "D="});
  CHECK(policy.variables.empty());
}

TEST_CASE("where the environment of all is ours, a job's own begins with that", "[own_policy]") {
  ::setenv("OWN_POLICY_TEST", "x", 1);
  const auto env = with({}, {.env = {"A_NEW_ONE=1"}}).env;
  ::unsetenv("OWN_POLICY_TEST");
  REQUIRE(env);
  CHECK(std::find(env->begin(), env->end(), "OWN_POLICY_TEST=x") != env->end());
  CHECK(env->back() == "A_NEW_ONE=1");
}

TEST_CASE("a job that has a name is told it, and another hears nothing of names", "[own_policy]") {
  const std::vector<Variable> variables{{"NAME", Variable::What::Name}};
  Job job;
  CHECK(environment_of(job, variables, 1).empty());
  job.own = std::make_shared<OwnPolicy>();
  CHECK(environment_of(job, variables, 1).empty());
  job.own = std::make_shared<OwnPolicy>(OwnPolicy{.name = "n=1"});
  CHECK(environment_of(job, variables, 1) == std::string{"NAME=n=1\0", 9});
}
