// The story on stderr, word by word, and what -q, -v, --log-format, --log-file and colour make of
// it.
#include <nlohmann/json.hpp>

#include "program.h"

namespace procrun::test {
namespace {

constexpr const char* kTime = R"( after \d+\.\d{3}s)";

/// The lines of `err` have to match these, one each.
void check_lines(const std::string& err, const Lines& patterns) {
  const Lines lines = lines_of(err);
  CAPTURE(err);
  REQUIRE(lines.size() == patterns.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    CAPTURE(lines[i], patterns[i]);
    CHECK(matches(lines[i], patterns[i]));
  }
}

std::vector<nlohmann::json> records_of(const std::string& text) {
  std::vector<nlohmann::json> records;
  for (const auto& line : lines_of(text)) records.push_back(nlohmann::json::parse(line));
  return records;
}

}  // namespace

TEST_CASE("spawn and wait tell of the parent, the child and its end, in the tutorial's words",
          "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  CAPTURE(verb);
  auto running = start_procrun({verb, "sh", "-c", "echo $$ $PPID; exit 2"});
  const std::string front = number(running.pid());
  const Result result = running.finish();
  const std::string pid = group_of(lines_of(result.out), R"((\d+) \d+)");
  const std::string ppid = group_of(lines_of(result.out), R"(\d+ (\d+))");
  // Who starts the child: wait itself, or the worker that spawn has.
  if (verb == "wait") CHECK(ppid == front);
  check_lines(result.err,
              {"Parent process id " + ppid, "start child process",
               "This is child process " + pid + " from parent process " + ppid +
                   R"(, and name is  sh which is used for sh -c 'echo \$\$ \$PPID; exit 2')",
               "Process end: " + pid + " exited with code 2" + kTime});
  CHECK(result.exited(2));
}

TEST_CASE("the end is told in words", "[cli]") {
  const NoDescendantLeft guard;
  const auto end_of = [](const Words& words) { return lines_of(run_procrun(words).err).back(); };
  CHECK(matches(end_of({"spawn", "true"}),
                R"(Process end: \d+ exited with code 0)" + std::string{kTime}));
  CHECK(matches(end_of({"spawn", "kill -9 $$"}),
                R"(Process end: \d+ killed by signal 9 \(KILL\))" + std::string{kTime}));
  CHECK(matches(end_of({"wait", "kill -USR1 $$"}),
                R"(Process end: \d+ killed by signal 10 \(USR1\))" + std::string{kTime}));
  CHECK(
      matches(end_of({"spawn", "-t", "50ms", "sleep", "60"}),
              R"(Process end: \d+ timed out: killed by signal 15 \(TERM\))" + std::string{kTime}));
}

TEST_CASE("spawn tells when the time is up", "[cli]") {
  const NoDescendantLeft guard;
  const Lines lines = lines_of(run_procrun({"spawn", "-t", "50ms", "sleep", "60"}).err);
  const std::string pid = group_of(lines, R"(This is child process (\d+) from parent process .*)");
  CHECK(matches(lines.at(3), "time is up for " + pid + R"( after \d+\.\d{3}s)"));
}

TEST_CASE("the time that is told is about the time that it took", "[cli]") {
  const NoDescendantLeft guard;
  const Lines lines = lines_of(run_procrun({"spawn", "sleep", "0.3"}).err);
  const double told =
      std::stod(group_of(lines, R"(Process end: \d+ exited with code 0 after (.*)s)"));
  CHECK(told >= 0.3);
  CHECK(told < 5.0);
}

TEST_CASE("spawn --name and --for put their words into the story", "[cli]") {
  const NoDescendantLeft guard;
  const auto third = [](const Words& words) { return lines_of(run_procrun(words).err).at(2); };
  const std::string begin = R"(This is child process \d+ from parent process \d+, and name is  )";
  CHECK(matches(third({"spawn", "--name", "a b", "true"}), begin + "a b which is used for true"));
  CHECK(
      matches(third({"spawn", "--for", "tests", "true"}), begin + "true which is used for tests"));
  CHECK(matches(third({"spawn", "/bin/true", "a b"}),
                begin + "true which is used for /bin/true 'a b'"));
  CHECK(matches(third({"wait", "echo a; true"}), begin + "echo which is used for echo a; true"));
}

TEST_CASE("what a command is called cannot steer the terminal or break the line", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"spawn", "true", "a\nb\x1b[31m\xff"});
  const Lines lines = lines_of(result.err);
  CHECK(lines.size() == 4);
  CHECK(lines.at(2).ends_with("which is used for true $'a\\nb\\033[31m\\377'"));
}

TEST_CASE("pool tells of itself, each start, each end and the sum", "[cli]") {
  const NoDescendantLeft guard;
  auto running =
      start_procrun({"pool", "-j1", "sh", "-c", "echo $$ $PPID; exit {}", ":::", "0", "3", "0"});
  const std::string front = number(running.pid());
  const Result result = running.finish();
  const Lines jobs = lines_of(result.out);
  REQUIRE(jobs.size() == 3);
  Lines expected{"Current process is " + front};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto pid = jobs[i].substr(0, jobs[i].find(' '));
    const auto worker = jobs[i].substr(jobs[i].find(' ') + 1);
    CHECK(worker != front);
    const std::string code = i == 1 ? "3" : "0";
    const std::string job = std::to_string(i + 1);
    expected.push_back("child process id is " + pid + " from parent process " + worker + ": job " +
                       job + R"(, sh -c 'echo \$\$ \$PPID; exit )" + code + "'");
    expected.push_back("this is process " + job + ": " + pid + " exited with code " + code + kTime);
  }
  expected.emplace_back(
      R"(pool process done: 3 jobs, 2 ok, 1 failed \(job 2: sh -c 'echo \$\$ \$PPID; exit 3': code 3\))");
  check_lines(result.err, expected);
  CHECK(result.exited(1));
}

TEST_CASE("a pool's sum says what came of all jobs", "[cli]") {
  const NoDescendantLeft guard;
  const auto sum = [](const Words& words) { return lines_of(run_procrun(words).err).back(); };
  CHECK(sum({"pool", "true", ":::"}) == "pool process done: 0 jobs, 0 ok");
  CHECK(sum({"pool", "true", ":::", "a"}) == "pool process done: 1 job, 1 ok");
  CHECK(sum({"pool", "true", ":::", "a", "b"}) == "pool process done: 2 jobs, 2 ok");
  CHECK(sum({"pool", "-j1", "false", ":::", "a b", "c"}) ==
        "pool process done: 2 jobs, 0 ok, 2 failed (job 1: false 'a b': code 1)");
  CHECK(sum({"pool", ":::", "kill -9 $$"}) ==
        "pool process done: 1 job, 0 ok, 1 failed (job 1: kill -9 $$: killed by signal 9 (KILL))");
}

TEST_CASE("the option -q silences the story and nothing else", "[cli]") {
  const NoDescendantLeft guard;
  for (const Words& words : {Words{"spawn", "-q", "true"}, Words{"wait", "--quiet", "true"},
                             Words{"pool", "-q", "true", ":::", "a"}}) {
    CAPTURE(words);
    const Result result = run_procrun(words);
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
  CHECK(run_procrun({"spawn", "-q", "no-such-program-at-all"}).err ==
        "procrun: spawn: cannot execute no-such-program-at-all: No such file or directory\n");
  CHECK(run_procrun({"pool", "-q", "no-such-program-at-all", ":::", "a"}).err ==
        "procrun: pool: job 1: cannot execute no-such-program-at-all: No such file or directory\n");
}

TEST_CASE("a story that nobody can read does not change what the command does", "[cli]") {
  const NoDescendantLeft guard;
  const auto [words, code] = GENERATE(table<Words, int>({
      {{"spawn", "echo hi; exit 3"}, 3},
      {{"wait", "echo hi; exit 3"}, 3},
      {{"pool", "echo hi; exit 3 #", ":::", "a"}, 1},
  }));
  CAPTURE(words);
  const Result closed = run_procrun(words, {.close_stderr = true});
  CHECK(closed.out == "hi\n");
  CHECK(closed.exited(code));
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  ::close(ends[0]);
  const Result broken = run_procrun(words, {.stderr_fd = ends[1]});
  ::close(ends[1]);
  CHECK(broken.out == "hi\n");
  CHECK(broken.exited(code));
}

TEST_CASE("the option --log-format json: each diagnostic is a JSON record on a line", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(
      {"pool", "-q", "--log-format", "json", "-j1", "{}", ":::", "no-such\xff\n\"program", "true"});
  const pid_t pid = running.pid();
  const Result result = running.finish();
  const auto records = records_of(result.err);
  REQUIRE(records.size() == 1);
  CHECK(records[0].at("level") == "error");
  CHECK(records[0].at("verb") == "pool");
  CHECK(records[0].at("pid") == pid);
  CHECK(matches(records[0].at("time").get<std::string>(),
                R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"));
  const auto message = records[0].at("message").get<std::string>();
  CHECK(message.starts_with("job 1: cannot execute no-such"));
  CHECK(message.ends_with(": No such file or directory"));
  CHECK(result.exited(1));
}

TEST_CASE("the option --log-file takes the diagnostics, stderr keeps the story", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "log", "before\n");
  const Result result = run_procrun({"spawn", "--log-file", dir / "log", "no-such-program-at-all"});
  CHECK(read_file(dir / "log") ==
        "before\nprocrun: spawn: cannot execute no-such-program-at-all: No such file or "
        "directory\n");
  check_lines(result.err, {R"(Parent process id \d+)", "start child process"});
  CHECK(result.exited(127));
  const Result json = run_procrun({"wait", "-q", "--log-file=" + (dir / "json"),
                                   "--log-format=json", "--log-level=debug", "(sleep 0 &); true"});
  CHECK(json.err == "");
  for (const auto& record : records_of(read_file(dir / "json"))) {
    CHECK(record.at("verb") == "wait");
  }
}

TEST_CASE("the option -v and --log-level debug tell what else happened", "[cli]") {
  const NoDescendantLeft guard;
  const Words more = GENERATE(Words{"-v"}, Words{"--verbose"}, Words{"--log-level", "debug"});
  CAPTURE(more);
  Words words{"spawn"};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), {"-t", "50ms", "sleep", "60"});
  const Lines lines = lines_of(run_procrun(words).err);
  const std::string pid = group_of(lines, R"(This is child process (\d+) from parent process .*)");
  place_of(lines, "procrun: spawn: sent TERM to the tree of " + pid);
}

TEST_CASE("who is left behind is named in a warning, which --log-level error leaves out", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  CAPTURE(verb);
  Words words{verb, "-q", child("cli_tree")};
  if (verb == "pool") words.emplace_back(":::");
  words.emplace_back("leave");
  const Result result = run_procrun(words);
  const std::string job = verb == "pool" ? "job 1: " : "";
  Lines warnings = lines_of(result.err);
  CHECK(warnings.size() == 3);
  for (const auto& line : warnings) {
    CAPTURE(line);
    CHECK(matches(line, "procrun: " + verb + ": warning: " + job +
                            R"(process \d+ was left behind and is ended: .*/cli_tree leave)"));
  }
  CHECK(result.exited(verb == "pool" ? 1 : 5));
  words.insert(words.begin() + 1, "--log-level=error");
  CHECK(run_procrun(words).err == "");
}

TEST_CASE("colour: --color, then NO_COLOR, then FORCE_COLOR, then the terminal", "[cli]") {
  const NoDescendantLeft guard;
  const auto coloured = [](Words more, const std::vector<std::string>& env) {
    more.insert(more.begin(), "spawn");
    more.insert(more.end(), {"sh", "-c", "exit 3"});
    const Result result = run_procrun(more, {.env = env});
    CHECK(result.exited(3));
    const Lines lines = lines_of(result.err);
    const bool red =
        lines.back().starts_with("\033[31mProcess end: ") && lines.back().ends_with("s\033[0m");
    if (!red) CHECK(result.err.find('\033') == std::string::npos);
    return red;
  };
  CHECK_FALSE(coloured({}, {}));
  CHECK(coloured({"--color", "always"}, {}));
  CHECK(coloured({"--color=always"}, {"NO_COLOR=1"}));
  CHECK(coloured({}, {"FORCE_COLOR=1"}));
  CHECK(coloured({}, {"CLICOLOR_FORCE=1"}));
  CHECK_FALSE(coloured({}, {"FORCE_COLOR=1", "NO_COLOR=1"}));
  CHECK_FALSE(coloured({}, {"FORCE_COLOR="}));
  CHECK(coloured({}, {"FORCE_COLOR=1", "NO_COLOR="}));
  CHECK_FALSE(coloured({"--color", "never"}, {"FORCE_COLOR=1"}));
}

TEST_CASE("colour: a terminal gets it, a dumb one not", "[cli]") {
  const NoDescendantLeft guard;
  const auto story = [](const std::string& term) {
    Terminal terminal;
    auto running =
        start_procrun({"spawn", "false"}, {.env = {"TERM=" + term}, .stderr_fd = terminal.slave()});
    terminal.close_slave();
    const std::string told = terminal.read_rest();
    CHECK(running.finish().exited(1));
    return told;
  };
  CHECK(story("xterm").find("\033[31mProcess end: ") != std::string::npos);
  CHECK(story("dumb").find('\033') == std::string::npos);
}

}  // namespace procrun::test
