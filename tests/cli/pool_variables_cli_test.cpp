// What pool and spawn tell their commands in the environment.
#include "program.h"

namespace procrun::test {
namespace {

/// A shell command that prints these variables on a line, `-` for one that is not set.
std::string telling(const Words& names) {
  std::string line = "echo";
  for (const auto& name : names) line += " ${" + name + "--}";
  return line;
}

const Words kOfAbove{"PROCRUN_SEQ=90",     "PROCRUN_SLOT=91",  "PROCRUN_SLOT0=92",
                     "PROCRUN_ATTEMPT=93", "PARALLEL_SEQ=94",  "PARALLEL_JOBSLOT=95",
                     "PARALLEL_PID=96",    "PROCRUN_RUN_ID=x", "PROCRUN_JOB_NAME=theirs"};

Lines told(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "-k"});
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.err == "");
  CHECK(result.exited(0));
  return lines_of(result.out);
}

}  // namespace

TEST_CASE("a job of a pool finds its number and its place in its environment", "[cli]") {
  const NoDescendantLeft guard;
  const std::string command = telling({"PROCRUN_SEQ", "PARALLEL_SEQ", "PROCRUN_SLOT",
                                       "PARALLEL_JOBSLOT", "PROCRUN_SLOT0", "PROCRUN_ATTEMPT"});
  SECTION("one after the other they have the same place") {
    CHECK(told({"-j1", command + " {}", ":::", "a", "b"}) ==
          Lines{"1 1 1 1 0 1 a", "2 2 1 1 0 1 b"});
  }
  SECTION("two at once have two") {
    const TempDir dir;
    const std::string both =
        "touch {}; until [ -e a ] && [ -e b ]; do sleep 0.01; done; " + command;
    CHECK(sorted(told({"-j2", both, ":::", "a", "b"}, {.cwd = dir.path().string()})) ==
          Lines{"1 1 1 1 0 1", "2 2 2 2 1 1"});
  }
  SECTION("they are those that the placeholders name") {
    CHECK(told({"-j1", command + " {#} {%}", ":::", "a"}) == Lines{"1 1 1 1 0 1 1 1"});
  }
}

TEST_CASE("all jobs of a run find the same run and the pid of procrun in their environment",
          "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(
      {"pool", "-q", telling({"PROCRUN_RUN_ID", "PARALLEL_PID"}) + " {}", ":::", "a", "b"});
  const std::string pid = number(running.pid());
  const Result result = running.finish();
  const auto a = group_of(lines_of(result.out), "(\\S+ " + pid + ") a");
  CHECK(group_of(lines_of(result.out), "(\\S+ " + pid + ") b") == a);
  CHECK(a != "- " + pid);
}

TEST_CASE("the journal names the run that the jobs were told", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto lines = told({"--journal", dir / "journal", telling({"PROCRUN_RUN_ID"}), ":::", ""});
  REQUIRE(lines.size() == 1);
  const auto id = lines[0].substr(0, lines[0].find(' '));
  CHECK(read_file(dir / "journal").find("\"" + id + "\"") != std::string::npos);
}

TEST_CASE("each attempt at a job is told which one it is", "[cli]") {
  const NoDescendantLeft guard;
  const std::string command = telling({"PROCRUN_ATTEMPT"}) + "; [ $PROCRUN_ATTEMPT = 3 ] #";
  const auto attempts = [&](Words words) {
    words.insert(words.end(), {"--retries", "5", command});
    if (words[0] == "pool") words.insert(words.end(), {":::", "x"});
    const Result result = run_procrun(words);
    CHECK(result.exited(0));
    return lines_of(result.out);
  };
  CHECK(attempts({"pool", "-q", "-u"}).back() == "3");
  CHECK(attempts({"spawn", "-q"}) == Lines{"1", "2", "3"});
}

TEST_CASE("a job inherits nothing that a procrun above told its own job", "[cli]") {
  const NoDescendantLeft guard;
  const Words names{"PROCRUN_SEQ",  "PROCRUN_SLOT",     "PROCRUN_SLOT0",   "PROCRUN_ATTEMPT",
                    "PARALLEL_SEQ", "PARALLEL_JOBSLOT", "PROCRUN_JOB_NAME"};
  CHECK(told({"-j1", telling(names) + " {}", ":::", "x"}, {.env = kOfAbove}) ==
        Lines{"1 1 0 1 1 1 - x"});
}

TEST_CASE("a variable that a job is told is in its environment once", "[cli]") {
  const NoDescendantLeft guard;
  const auto all = told({"-N0", "/usr/bin/env", ":::", ""}, {.env = kOfAbove});
  for (const auto& entry : kOfAbove) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    CAPTURE(name);
    const auto is_it = [&](const std::string& line) { return line.starts_with(name); };
    CHECK(std::count_if(all.begin(), all.end(), is_it) == (name == "PROCRUN_JOB_NAME=" ? 0 : 1));
  }
}

TEST_CASE("spawn passes on what a pool above told it, but for the attempt", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"spawn", "-q", telling({"PROCRUN_SEQ", "PROCRUN_SLOT", "PROCRUN_ATTEMPT"})},
                  {.env = kOfAbove});
  CHECK(result.out == "90 91 1\n");
}

TEST_CASE("the option --process-slot-var names a variable that has a job's place, from 0",
          "[cli]") {
  const NoDescendantLeft guard;
  CHECK(told({"-j1", "--process-slot-var", "GPU", telling({"GPU", "PROCRUN_SLOT"}) + " {}",
              ":::", "a", "b"},
             {.env = {"GPU=7"}}) == Lines{"0 1 a", "0 1 b"});
  for (const Words& bad : {Words{"", "is not the name"}, Words{"A=B", "is not the name"},
                           Words{"PROCRUN_SEQ", "has a meaning of its own"}}) {
    CAPTURE(bad);
    const Result result = run_procrun({"pool", "--process-slot-var=" + bad[0], "true", ":::", "a"});
    CHECK(result.exited(125));
    CHECK(result.err.find(bad[1]) != std::string::npos);
  }
}

TEST_CASE("what --env, --unset and --clear-env say of a variable counts before what a job is told",
          "[cli]") {
  const NoDescendantLeft guard;
  const std::string command = telling({"PROCRUN_SEQ", "PARALLEL_SEQ", "PROCRUN_SLOT", "S"}) + " {}";
  CHECK(told({"-j1", "--env", "PROCRUN_SEQ=9", "--unset", "PARALLEL_SEQ", command, ":::", "x"},
             {.env = kOfAbove}) == Lines{"9 - 1 - x"});
  CHECK(told({"-j1", "--clear-env", "--process-slot-var", "S", command, ":::", "x"},
             {.env = kOfAbove}) == Lines{"- - - 0 x"});
}

TEST_CASE("the option -X leaves room for what jobs are told", "[cli]") {
  const NoDescendantLeft guard;
  // The variables' names fill most of the space, so that a forgotten one would be too much.
  Options options{.input = {}};
  for (int i = 0; i < 300000; ++i) options.input += "1234567\n";
  const auto lines =
      told({"-X", "-j1", "--process-slot-var", std::string(100000, 'N'), "printf", "%s\\n", "{}"},
           options);
  CHECK(lines.size() == 300000);
}

}  // namespace procrun::test
