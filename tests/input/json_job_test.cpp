#include "input/json_job.h"

#include <catch2/catch.hpp>
#include <stdexcept>

using namespace std::chrono_literals;
using procrun::input::is_json_job;
using procrun::input::JsonJob;
using procrun::input::parse_json_job;
using Words = std::vector<std::string>;

namespace {

/// What is said of a line that is refused: all on one line.
std::string fault(const std::string& line) {
  CAPTURE(line);
  try {
    parse_json_job(line);
  } catch (const std::invalid_argument& error) {
    const std::string why = error.what();
    CHECK(why.find('\n') == std::string::npos);
    CHECK(why.size() < 400);
    return why;
  }
  FAIL("it was not refused");
  return {};
}

bool says(const std::string& line, const std::string& part) {
  const std::string why = fault(line);
  CAPTURE(why);
  return why.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a line of JSON says all of a job", "[json_job]") {
  const JsonJob job = parse_json_job(
      R"({"name":"a b","argv":["cc","","é\n"],"cwd":"d","env":{"Z":"","A":"x=y","N":null},)"
      R"("timeout":"1m30s","retries":3,"after":["x","y","x"],"cost":2})");
  CHECK(job.name == "a b");
  CHECK(job.argv == Words{"cc", "", "é\n"});
  CHECK(job.shell == "");
  CHECK(job.cwd == "d");
  REQUIRE(job.env.size() == 3);
  CHECK(job.env[0] == std::pair{std::string{"A"}, std::optional<std::string>{"x=y"}});
  CHECK(job.env[1] == std::pair{std::string{"N"}, std::optional<std::string>{}});
  CHECK(job.env[2] == std::pair{std::string{"Z"}, std::optional<std::string>{""}});
  CHECK(job.timeout == 90s);
  CHECK(job.retries == 3U);
  CHECK(job.after == Words{"x", "y"});
  CHECK(job.cost == 2);
}

TEST_CASE("what a line of JSON does not say is left to the run", "[json_job]") {
  const JsonJob job = parse_json_job(R"({ "shell" : "a | b" })");
  CHECK(job.shell == "a | b");
  CHECK(job.argv.empty());
  CHECK_FALSE(job.timeout);
  CHECK_FALSE(job.retries);
  CHECK(job.after.empty());
  CHECK(job.cost == 1);
  CHECK(parse_json_job(R"({"argv":["a"],"after":"x"})").after == Words{"x"});
}

TEST_CASE("a time limit in JSON is a duration or a number of seconds", "[json_job]") {
  const auto limit = [](const std::string& value) {
    return parse_json_job(R"({"argv":["a"],"timeout":)" + value + "}").timeout;
  };
  CHECK(limit("2") == 2s);
  CHECK(limit("0") == 0s);
  CHECK(limit("0.25") == 250ms);
  CHECK(limit("0.1") == 100ms);
  CHECK(limit("1e-7") == 100ns);
  CHECK(limit("1e3") == 1000s);
  CHECK(limit("\"250ms\"") == 250ms);
  CHECK(limit("1e-12") == 1ns);  // only zero is none
}

TEST_CASE("a job in JSON is called by its name, else by its command", "[json_job]") {
  CHECK(parse_json_job(R"({"name":"n","argv":["a"]})").label() == "n");
  CHECK(parse_json_job(R"({"argv":["a","b c"]})").label() == "a 'b c'");
  CHECK(parse_json_job(R"({"shell":"a | b"})").label() == "a | b");
}

TEST_CASE("a line is meant as JSON by what it begins with, and a group of the shell is not",
          "[json_job]") {
  for (const char* line : {R"({"argv":["a"]})", R"({ "x")", "{}", "{ }", "{", "{\t\""}) {
    CAPTURE(line);
    CHECK(is_json_job(line));
  }
  for (const char* line :
       {"{ a; b; }", "{ a", "{a}", "{/}", "[1]", "echo {}", "{ 'a'; }", R"(:; { "a"; })", ""}) {
    CAPTURE(line);
    CHECK_FALSE(is_json_job(line));
  }
}

TEST_CASE("a line of JSON that is broken is refused with the place and the form", "[json_job]") {
  CHECK(says(R"({"argv":["a"],})", "column 15"));
  CHECK(says(R"({"argv":["a"],})", R"({"argv":["cc","a.c"]})"));
  CHECK(says(R"({"argv":["a"]} x)", "this is no JSON"));
  CHECK(says("{", "on one line"));
  CHECK(says("{\"a\xff\":1}", "ill-formed UTF-8"));
  CHECK(says(R"({"argv":["a"],"timeout":1e999})", "this is no JSON: number overflow"));
  CHECK(says(R"({ "my tool" --x; })", "needs :; before it"));
  CHECK(says("{\"a\":\"" + std::string(100'000, 'x'), "this is no JSON"));
  CHECK(says("{\"a\":" + std::string(100'000, '['), "this is no JSON"));
}

TEST_CASE("a member of a job that there is not is named, with the one that was meant",
          "[json_job]") {
  CHECK(says(R"({"agrv":["a"]})", "there is no member \"agrv\"; did you mean 'argv'?"));
  CHECK(says(R"({"Name":"a"})", "did you mean 'name'?"));
  CHECK(
      says(R"({"xyz-xyz":1})", "(but name, argv, shell, cwd, env, timeout, retries, after, cost)"));
  CHECK(says(R"({"argv":["a"],"argv":["b"]})", "\"argv\" is there twice"));
  CHECK(says(R"({"argv":["a"],"env":{"A":"1","A":"2"}})", "\"A\" is there twice"));
}

TEST_CASE("a member of a job that is of another kind is named, with what it has to be",
          "[json_job]") {
  const auto with = [](const std::string& member) { return R"({"argv":["a"],)" + member + "}"; };
  CHECK(says(R"({"argv":"a b"})", "'argv' has to be a list of strings"));
  CHECK(says(R"({"argv":["a",1]})", "a word of 'argv' has to be a string, not 1"));
  CHECK(says(R"({"argv":[]})", "'argv' is empty"));
  CHECK(says(R"({"argv":[""]})", "the program, is empty"));
  CHECK(says(R"({"shell":["a"]})", "'shell' has to be a string"));
  CHECK(says(R"({"shell":""})", "'shell' is empty"));
  CHECK(says(with(R"("name":1)"), "'name' has to be a string, not 1"));
  CHECK(says(with(R"("name":"")"), "'name' is empty"));
  CHECK(says(with(R"("cwd":null)"), "'cwd' has to be a string, not null"));
  CHECK(says(with(R"("env":["A=1"])"), "'env' has to be an object"));
  CHECK(says(with(R"("env":{"A":1})"), "what A is set to has to be a string, not 1"));
  CHECK(says(with(R"("env":{"A=":"1"})"), "not the name of a variable"));
  CHECK(says(with(R"("env":{"":"1"})"), "not the name of a variable"));
  for (const char* value : {"-1", "\"x\"", "\"\"", "\"200%\"", "1e30"}) {
    CHECK(says(with(std::string{R"("timeout":)"} + value), "is not a duration"));
  }
  CHECK(says(with(R"("timeout":true)"), "'timeout' has to be a duration"));
  for (const char* value : {"-1", "1.5", "\"1\"", "1000001", "null"}) {
    CHECK(says(with(std::string{R"("retries":)"} + value), "'retries' has to be a whole number"));
  }
  for (const char* value : {"0", "-1", "1.5", "\"1\"", "18446744073709551615"}) {
    CHECK(says(with(std::string{R"("cost":)"} + value), "'cost' has to be a whole number from 1"));
  }
  CHECK(says(with(R"("after":1)"), "'after' has to be the name of a job or a list"));
  CHECK(says(with(R"("after":["x",1])"), "each name of 'after' has to be a string"));
  CHECK(says(with(R"("after":"")"), "each name of 'after' is empty"));
}

TEST_CASE("a job in JSON has one command", "[json_job]") {
  CHECK(says(R"({"argv":["a"],"shell":"b"})", "'argv' and 'shell' exclude each other"));
  CHECK(says(R"({"name":"a"})", "neither 'argv'"));
  CHECK(says("{}", "neither 'argv'"));
}

TEST_CASE("a NUL byte in JSON is refused where no program could get it", "[json_job]") {
  for (const char* line :
       {R"({"argv":["a\u0000"]})", R"({"shell":"a\u0000"})", R"({"argv":["a"],"name":"\u0000"})",
        R"({"argv":["a"],"cwd":"\u0000"})", R"({"argv":["a"],"env":{"A":"\u0000"}})"}) {
    CHECK(says(line, "holds a NUL byte"));
  }
  CHECK(says(R"({"argv":["a","b\u0000"]})", "a word of 'argv' holds a NUL byte"));
  CHECK(says(R"({"argv":["a"],"env":{"A\u0000":"x"}})", "not the name of a variable"));
}
