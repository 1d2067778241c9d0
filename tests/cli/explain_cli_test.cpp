// --explain: sentences beside the facts, and the facts as without it.
#include "life.h"

namespace procrun::test {
namespace {

bool is_sentence(const std::string& line) { return line.starts_with("# "); }

/// Runs a lesson to its end; orphans that come to the test meanwhile are reaped.
Lines lines_told(const Words& words) {
  auto running = start_procrun(words);
  const pid_t pid = running.pid();
  siginfo_t ended{};
  // Not procrun itself, which Running reaps.
  while (::waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == 0 && ended.si_pid != pid) {
    ::waitpid(ended.si_pid, nullptr, 0);
  }
  return lines_of(running.finish().out);
}

Lines without_numbers(Lines lines) {
  for (auto& line : lines) line = std::regex_replace(line, std::regex{R"(0x[0-9a-f]+|\d+)"}, "N");
  return sorted(lines);
}

/// What happens in each run alike: not what is raced for.
Lines comparable(const Lines& lines) {
  Lines some;
  std::copy_if(lines.begin(), lines.end(), std::back_inserter(some), [](const auto& line) {
    return !is_sentence(line) && !line.starts_with("watcher: ");
  });
  return without_numbers(some);
}

}  // namespace

TEST_CASE("every lesson explains itself in plain sentences, and tells the same facts", "[cli]") {
  const NoDescendantLeft guard;
  const Words lesson = GENERATE(
      Words{"fork"}, Words{"fork", "--zombie=1ms"}, Words{"fork", "--orphan=1ms"},
      Words{"fork", "--memory"}, Words{"fork", "--zombie=1ms", "--count", "2"}, Words{"wait"},
      Words{"wait", "--kill", "TERM"}, Words{"wait", "--exit-code", "3"},
      Words{"wait", "--count", "2"}, Words{"waitpid", "--speed", "100"},
      Words{"waitpid", "--speed", "100", "--nohang", "--untraced", "--continued"}, Words{"spawn"},
      Words{"spawn", "--no-join"}, Words{"spawn", "--start-method", "fork"},
      Words{"spawn", "--start-method", "spawn"}, Words{"pool", "-j2", "--speed", "200"},
      Words{"pool", "-j2", "--speed", "20", "--kill-worker", "2"});
  CAPTURE(lesson);
  Words explained = lesson;
  explained.emplace_back("--explain");
  const Lines with = lines_told(explained);
  const Lines without = lines_told(lesson);
  CAPTURE(with, without);
  CHECK(std::count_if(with.begin(), with.end(), is_sentence) >= 2);
  CHECK(std::none_of(without.begin(), without.end(), is_sentence));
  for (const auto& line : with) {
    if (is_sentence(line)) CHECK((line.ends_with('.') || line.ends_with(':')));
  }
  // The others race for some of their lines.
  if (lesson[0] == "fork" || lesson[0] == "wait") CHECK(comparable(with) == comparable(without));
}

TEST_CASE("a lesson that fails on purpose is explained as well", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"wait", "--childless", "--explain"});
  CHECK(result.exited(1));
  CHECK(result.err == "ChildProcessError: [Errno 10] No child processes\n");
  const Lines lines = lines_of(result.out);
  CHECK(lines.size() == 2);
  CHECK(std::all_of(lines.begin(), lines.end(), is_sentence));
}

TEST_CASE("sentences are for lessons: with a COMMAND --explain is refused", "[cli]") {
  const NoDescendantLeft guard;
  for (const std::string verb : {"fork", "wait", "spawn", "pool"}) {
    const Result result = run_procrun({verb, "--explain", "true"});
    CHECK(result.exited(125));
    CHECK(result.err == "procrun: " + verb + ": --explain is the lesson's, which has no COMMAND\n");
  }
}

TEST_CASE("the spawn lesson by fork: the child has what its parent wrote before", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "--start-method", "fork"});
  const std::string parent = number(running.pid());
  const Result result = running.finish();
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  REQUIRE(lines.size() == 6);
  const std::string command = std::string{kProcrun} + " spawn --start-method fork";
  const std::string shown = command.size() > 80 ? command.substr(0, 77) + "..." : command;
  CHECK(lines[1] == parent + " is " + shown + ", and sets variable = 42");
  const auto child = group_of(lines, "This is child process (\\d+) from parent process " + parent +
                                         ", and name is  test which is used for dev");
  CHECK(lines[4] == child + " is " + shown + ", and finds variable = 42");
  CHECK(lines[5] == "Process end");
}

TEST_CASE("the spawn lesson by spawn: the child is a fresh program that is told what to run",
          "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "--start-method=spawn", "--name", "a \n b", "--for", ""});
  const std::string parent = number(running.pid());
  const Result result = running.finish();
  CAPTURE(result.out, result.err);
  CHECK(result.exited(0));
  const std::regex told{
      "This is child process (\\d+) from parent process " + parent +
      ", and name is  a \n b which is used for dev\n"
      "(\\d+) is /proc/self/exe spawn --multiprocessing-fork \\d+, and finds variable = 0\n"
      "Process end\n$"};
  std::smatch match;
  REQUIRE(std::regex_search(result.out, match, told));
  CHECK(match[1] == match[2]);
  CHECK(match[1] != parent);
}

TEST_CASE("a start method that there is not is refused with those that there are", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"spawn", "--start-method", "forkserver"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: spawn: --start-method: 'forkserver' is neither fork nor spawn\n");
}

TEST_CASE("the wait lesson leaves nobody when its parent is killed", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "--count", "3", "--speed", "0.001"});
  CHECK(running.read_until(Stream::Out, "child process\n") != "");
  running.send(SIGKILL);
  CHECK(running.finish().signaled(SIGKILL));
}

TEST_CASE("a lesson waits for its own children, not for those that procrun was given", "[cli]") {
  const NoDescendantLeft guard;
  const bool childless = GENERATE(true, false);
  const std::string lesson = childless ? "wait --childless" : "waitpid --speed 100";
  const Result result =
      run({"sh", "-c",
           "sleep 60 >/dev/null 2>&1 & echo $!; exec " + std::string{kProcrun} + " " + lesson});
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  REQUIRE(!lines.empty());
  const pid_t given = std::stoi(lines[0]);
  CHECK(is_running(given));
  ::kill(given, SIGKILL);
  reap(given);
  CHECK(result.exited(childless ? 1 : 0));
  const std::string nobody = "No child processes";
  CHECK((childless ? result.err : result.out).find(nobody) != std::string::npos);
}

}  // namespace procrun::test
