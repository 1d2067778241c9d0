#include "engine/recipe.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "input/json_job.h"
#include "job/own_policy.h"
#include "process/command.h"
#include "support.h"
#include "sys/fd.h"

using procrun::engine::Recipe;
using procrun::input::parse_json_job;
using procrun::input::Template;
using Form = Recipe::Form;
using Words = std::vector<std::string>;

namespace {

Recipe recipe(Form form, const Words& words) { return {form, Template{words}, "/bin/sh"}; }

Words argv_of(Form form, const Words& words, const Words& row) {
  return recipe(form, words).make(row, 3, 2).argv;
}

}  // namespace

TEST_CASE("words are executed as they are, items in their places", "[recipe]") {
  CHECK(argv_of(Form::Exec, {"gzip", "{}"}, {"a b; rm"}) == Words{"gzip", "a b; rm"});
  CHECK(argv_of(Form::Exec, {"echo"}, {"x", "y"}) == Words{"echo", "x", "y"});
  CHECK(argv_of(Form::Exec, {"echo", "{#}", "{%}"}, {"x"}) == Words{"echo", "3", "2"});
}

TEST_CASE("a job keeps the number that it was given", "[recipe]") {
  CHECK(recipe(Form::Exec, {"x"}).make({"y"}, 41, 1).seq == 41);
  CHECK(recipe(Form::Lines, {}).make({"y"}, 42, 1).seq == 42);
}

TEST_CASE("a line is run by the shell, with every item quoted", "[recipe]") {
  CHECK(argv_of(Form::Shell, {"wc -l {} | cat"}, {"; rm -rf x"}) ==
        Words{"/bin/sh", "-c", "wc -l '; rm -rf x' | cat"});
}

TEST_CASE("without a command each item is a command line", "[recipe]") {
  CHECK(argv_of(Form::Lines, {}, {"echo a | wc"}) == Words{"/bin/sh", "-c", "echo a | wc"});
  CHECK(argv_of(Form::Lines, {}, {"echo a"}) == Words{"/bin/sh", "-c", "echo a"});
  CHECK(argv_of(Form::Lines, {}, {"true"}) == Words{"true"});
  CHECK(argv_of(Form::Lines, {}, {"echo", "a"}) == Words{"/bin/sh", "-c", "echo a"});
}

TEST_CASE("an item with a NUL byte cannot be an argument", "[recipe]") {
  const std::string with_nul{"a\0b", 3};
  for (const Form form : {Form::Exec, Form::Shell, Form::Lines}) {
    CHECK_THROWS_AS(recipe(form, {"echo", "{}"}).make({with_nul}, 1, 1), std::invalid_argument);
  }
}

TEST_CASE("a job is called by what one would type", "[recipe]") {
  const Recipe exec = recipe(Form::Exec, {"gzip", "{}"});
  CHECK(exec.text(exec.make({"a.txt"}, 1, 1)) == "gzip a.txt");
  const Recipe shell = recipe(Form::Shell, {"gzip {} && echo"});
  CHECK(shell.text(shell.make({"a.txt"}, 1, 1)) == "gzip a.txt && echo");
}

TEST_CASE("a job's name is one line of printable text", "[recipe]") {
  for (const Form form : {Form::Exec, Form::Shell}) {
    const Recipe any = recipe(form, {"echo {}"});
    const std::string text = any.text(any.make({"a\nb\033[31m\a"}, 1, 1));
    CHECK(text.find_first_of("\n\033\a") == std::string::npos);
  }
}

TEST_CASE("a job's name is cut where nobody would read on", "[recipe]") {
  const Recipe exec = recipe(Form::Exec, {"rm"});
  const auto name_of = [&](const std::string& item) { return exec.text(exec.make({item}, 1, 1)); };
  CHECK(name_of(std::string(4093, 'x')) == "rm " + std::string(4093, 'x'));
  CHECK(name_of(std::string(4094, 'x')) == "rm " + std::string(4093, 'x') + "…");
  // Quoted, and not cut within a character.
  CHECK(name_of(std::string(4091, 'x') + "éé") == "rm '" + std::string(4091, 'x') + "…");
}

TEST_CASE("three words that are executed are no line for the shell", "[recipe]") {
  const Recipe exec = recipe(Form::Exec, {"printf", "%s", "{}"});
  CHECK(exec.pasteable(exec.make({"a b"}, 1, 1)) == "printf '%s' 'a b'");
  const Recipe lines = recipe(Form::Lines, {});
  const auto job = lines.make_json(parse_json_job(R"({"argv":["echo","a b","c"]})"), 1, 1);
  CHECK_FALSE(job.by_shell);
  CHECK(lines.pasteable(job) == "echo 'a b' c");
  CHECK(lines.text(job) == "echo 'a b' c");
}

TEST_CASE("a job in JSON is made of what it says", "[recipe]") {
  const Recipe lines = recipe(Form::Lines, {});
  const auto job = lines.make_json(
      parse_json_job(R"({"name":"n","shell":"a","cwd":"d","env":{"A":"1","B":null},"timeout":2,)"
                     R"("retries":0})"),
      7, 3);
  CHECK(job.seq == 7);
  CHECK(job.slot == 3);
  CHECK(job.by_shell);
  CHECK(job.argv == Words{"/bin/sh", "-c", "a"});
  REQUIRE(job.own != nullptr);
  CHECK(job.own->name == "n");
  CHECK(job.own->directory == "d");
  CHECK(job.own->env == Words{"A=1"});
  CHECK(job.own->unset == Words{"B"});
  CHECK(job.own->timeout == std::chrono::seconds{2});
  CHECK(job.own->retries == 0U);
  CHECK(lines.text(job) == "n");
}

TEST_CASE("a job with a place and variables of its own can be pasted into a shell", "[recipe]") {
  const procrun::test::NoChildLeft guard;
  const Recipe lines = recipe(Form::Lines, {});
  const auto pasted = [&](const std::string& json) {
    return lines.pasteable(lines.make_json(parse_json_job(json), 1, 1));
  };
  CHECK(pasted(R"({"shell":"a # b"})") == "a # b");
  CHECK(pasted(R"({"argv":["a"],"cwd":"-"})") == "(cd ./- && a)");
  CHECK(pasted(R"({"argv":["a"],"env":{"A":"1 2"}})") == "env 'A=1 2' a");
  const std::string line =
      pasted(R"({"shell":"echo $A${B-none}; pwd # it's","cwd":"/","env":{"A":"x y","B":null}})");
  CHECK(procrun::test::run({"sh", "-c", "B=b; export B; cd /tmp; " + line + "; pwd"}).out ==
        "x ynone\n/\n/tmp\n");
}

TEST_CASE("a job can be pasted into a shell and does the same there", "[recipe]") {
  const procrun::test::NoChildLeft guard;
  const std::string item = GENERATE("plain", "a b", "it's", "$(x) `y` \\ \"z\"", "a\nb", "", "*",
                                    "\xff\xfe", "-n", "~", "!!", "#x", "a=b");
  CAPTURE(item);
  const Form form = GENERATE(Form::Exec, Form::Shell);
  const Recipe any = form == Form::Exec ? recipe(form, {"printf", "<%s>", "{}"})
                                        : recipe(form, {"printf '<%s>' {}"});
  const std::string line = any.pasteable(any.make({item}, 1, 1));
  CHECK(procrun::test::run({"sh", "-c", line}).out == "<" + item + ">");
}

TEST_CASE("the shell is the one that the environment names, else sh", "[recipe]") {
  ::unsetenv("PROCRUN_SHELL");
  CHECK(procrun::engine::default_shell() == "/bin/sh");
  ::setenv("PROCRUN_SHELL", "", 1);
  CHECK(procrun::engine::default_shell() == "/bin/sh");
  ::setenv("PROCRUN_SHELL", "/bin/bash", 1);
  CHECK(procrun::engine::default_shell() == "/bin/bash");
  ::unsetenv("PROCRUN_SHELL");
}
