// What a command leaves behind when it ends by itself.
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

/// The pid that the warning names, with the command.
pid_t named_leaker(const std::string& err, const std::string& what_becomes_of_it) {
  std::smatch match;
  const std::regex line{"procrun: spawn: warning: process (\\d+) was left behind and " +
                        what_becomes_of_it + ": [^\n]*spawn_do[^\n]*"};
  CAPTURE(err);
  REQUIRE(std::regex_search(err, match, line));
  return std::stoi(match[1]);
}

const Words kLeave{"out:before", "fork{", "pause", "}", "out:after"};

Words leave_and_exit(int code) {
  Words steps = kLeave;
  steps.push_back("exit:" + std::to_string(code));
  return doing(steps);
}

/// The three ways in which output comes.
const std::vector<Words> kWays{{}, {"--prefix", "> "}, {"--quiet-ok"}};

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

}  // namespace

TEST_CASE("spawn ends what the command left behind, and names it", "[spawn]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{}, Words{"--leak", "kill"}, Words{"--prefix", "> "});
  const int code = GENERATE(0, 5);
  CAPTURE(how, code);
  const Mark mark;
  const Result result =
      run_procrun(spawn(with({"-q"}, how), leave_and_exit(code)), {.env = {mark.env()}});
  CHECK(mark.gone());
  CHECK(named_leaker(result.err, "is ended") > 0);
  CHECK(result.exited(code));
}

TEST_CASE("spawn --leak=fail is 125 if the command itself succeeded", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const auto leak = [&](const Words& command) {
    const Result result = run_procrun(spawn({"-q", "--leak=fail"}, command), {.env = {mark.env()}});
    CHECK(mark.gone());
    return result;
  };
  const Result result = leak(leave_and_exit(0));
  CHECK(named_leaker(result.err, "is ended") > 0);
  CHECK(result.exited(125));
  CHECK(leak(leave_and_exit(5)).exited(5));
  CHECK(leak(doing({"out:x"})).exited(0));
}

TEST_CASE("spawn --leak=warn names who lives on, and returns at once", "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(from_range(kWays));
  CAPTURE(way);
  const Mark mark;
  const auto begin = Clock::now();
  const Result result = run_procrun(spawn(with({"-q", "--leak=warn"}, way), leave_and_exit(5)),
                                    {.env = {mark.env()}, .until_exit = true});
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(result.exited(5));
  const pid_t leaker = named_leaker(result.err, "lives on");
  CHECK(is_running(leaker));
  ::kill(leaker, SIGKILL);
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("spawn --leak=ignore says nothing of who lives on", "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(from_range(kWays));
  CAPTURE(way);
  const Mark mark;
  const Result result = run_procrun(spawn(with({"-q", "--leak=ignore"}, way), leave_and_exit(5)),
                                    {.env = {mark.env()}, .until_exit = true});
  CHECK(result.err == "");
  CHECK(result.exited(5));
  CHECK(mark.bearers().size() >= 1);
  for (const pid_t pid : mark.bearers()) {
    if (status_of(pid, "Name") == "spawn_do") ::kill(pid, SIGKILL);
  }
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("a leaker of spawn --leak=warn that ends by itself leaves nothing", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const Result result =
      run_procrun(spawn({"-q", "--leak=warn"}, doing({"orphan{", "ms:400", "}", "exit:5"})),
                  {.env = {mark.env()}, .until_exit = true});
  CHECK(result.exited(5));
  CHECK(mark.gone(seconds{3}));
}

TEST_CASE("spawn gives a leaker that is about to end the time to do so", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun(spawn({"-q", "--leak=fail"}, doing({"fork{", "ms:10", "}", "out:x", "exit:0"})));
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("T19: a grandchild that holds the pipe neither hangs spawn nor loses output", "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(Words{"--prefix", "> "}, Words{"--quiet-ok"},
                             Words{"--fail-on-stderr"}, Words{"--max-output", "1M"});
  const std::string leak = GENERATE("kill", "ignore");
  CAPTURE(way, leak);
  const Mark mark;
  const TempDir dir;
  const std::string written = dir / "written";
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn(with({"-q", "--leak=" + leak}, way),
                        doing({"out:1", "orphan{", "out:2", "append:" + written + ":x", "pause",
                               "}", "until:" + written, "flood:30000", "exit:3"})),
                  {.env = {mark.env()}, .until_exit = true});
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(result.exited(3));
  const auto count = [&](char byte) {
    return std::count(result.out.begin(), result.out.end(), byte);
  };
  CHECK(count('x') == 30'000 - 30'000 / 64);
  CHECK(count('\n') == 30'000 / 64 + 2);
  for (const pid_t pid : mark.bearers()) {
    if (status_of(pid, "Name") == "spawn_do") ::kill(pid, SIGKILL);
  }
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("T19: what a grandchild writes for a while after the command's end is still captured",
          "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(Words{"-r", "1", "--retry-on", "match:x"}, Words{"--max-output", "1M"},
                             Words{"--quiet-ok"});
  CAPTURE(way);
  Words steps{"fork{"};
  std::string expected;
  for (int i = 0; i < 10; ++i) {
    const std::string text = std::to_string(i);
    steps.insert(steps.end(), {"ms:30", "out:" + text});
    expected += text + "\n";
  }
  steps.insert(steps.end(), {"}", "exit:3"});
  const Result result = run_procrun(spawn(with({"-q"}, way), doing(steps)));
  CHECK(result.out == expected);
  CHECK(result.err == "");
  CHECK(result.exited(3));
}

TEST_CASE("T19: a grandchild that writes for ever does not hold spawn for ever", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn({"-q", "--max-output", "1M"},
                        {"sh", "-c", "(while :; do echo x; sleep 0.02; done) & exit 3"}),
                  {.env = {mark.env()}});
  CHECK(Clock::now() - begin < milliseconds{3500});
  CHECK(mark.gone());
  CHECK(result.exited(3));
}

TEST_CASE("spawn -f ends the command alone, and its tree lives on", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn({"-q", "-f", "-t", "300ms"}, doing({"fork{", "pause", "}", "pause"})),
                  {.env = {mark.env()}, .until_exit = true});
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(result.exited(124));
  std::vector<pid_t> left;
  for (const pid_t pid : mark.bearers()) {
    if (status_of(pid, "Name") == "spawn_do") left.push_back(pid);
  }
  CHECK(left.size() == 1);
  for (const pid_t pid : left) ::kill(pid, SIGKILL);
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("spawn ends the whole tree also where /proc is missing, or is of other processes",
          "[spawn]") {
  const NoDescendantLeft guard;
  const Words place =
      GENERATE(Words{"unshare", "--mount", "sh", "-c", "umount -l /proc; \"$@\"; exit $?", "sh"},
               Words{"unshare", "--pid", "--fork", "sh", "-c", "\"$@\"; exit $?", "sh"});
  CAPTURE(place);
  const auto there = [&](const Words& command, Options how = {}) {
    Words words = place;
    words.insert(words.end(), command.begin(), command.end());
    return run(words, plain(std::move(how)));
  };
  if (!there({"true"}).exited(0) ||
      there({"test", "-e", "/proc/1"}).exited(place[1] == "--mount" ? 0 : 1)) {
    WARN("skipped: only who may make namespaces can leave /proc behind");
    return;
  }
  const Mark mark;
  CHECK(there(program(spawn({"-q", "-t", "200ms", "-k", "200ms"},
                            doing({"orphan{", "pause", "}", "fork{", "pause", "}", "pause"}))),
              {.env = {mark.env()}})
            .exited(124));
  CHECK(mark.gone());
  const Result deaf = there(
      program(spawn({"-q", "-t", "200ms", "-k", "200ms"},
                    doing({"ignore:15", "orphan{", "pause", "}", "fork{", "pause", "}", "pause"}))),
      {.env = {mark.env()}});
  CHECK(deaf.exited(137));
  CHECK(mark.gone());
}

TEST_CASE("spawn --leak of a name that it does not know is refused", "[spawn]") {
  CHECK(refused(run_procrun(spawn({"--leak=leave"}, {"true"})), "kill, fail, warn, ignore"));
}

}  // namespace procrun::test
