// The lessons: what they print, line for line, wherever that goes, as a partial order.
#include <sched.h>

#include <set>

#include "program.h"

namespace procrun::test {
namespace {

/// Where a lesson's stdout goes.
enum class Into { Pipe, AppendedFile, TruncatedFile, Terminal };

std::string name_of(Into into) {
  constexpr const char* kNames[] = {"a pipe", "a file with O_APPEND", "a file with O_TRUNC",
                                    "a terminal"};
  return kNames[static_cast<int>(into)];
}

struct Told {
  pid_t pid = 0;
  Lines lines;
  Result result;
};

Told into_file(const Words& words, int flags) {
  const TempDir dir;
  write_file(dir / "out", "before\n");
  const int fd = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
  auto running = start_procrun(words, {.stdout_fd = fd});
  ::close(fd);
  Told told{.pid = running.pid(), .lines = {}, .result = running.finish()};
  reap_all();  // the fork lesson's child may be the last to write
  told.lines = lines_of(read_file(dir / "out"));
  if (flags != O_APPEND) return told;
  REQUIRE(!told.lines.empty());
  CHECK(told.lines[0] == "before");
  told.lines.erase(told.lines.begin());
  return told;
}

Told into_terminal(const Words& words) {
  Terminal terminal;
  auto running = start_procrun(words, {.stdout_fd = terminal.slave()});
  terminal.close_slave();
  const auto lines = lines_of(terminal.read_rest());
  return {.pid = running.pid(), .lines = lines, .result = running.finish()};
}

/// Runs a lesson to the end of all its processes. A NoDescendantLeft has to be there.
Told tell(const Words& words, Into into) {
  switch (into) {
    case Into::AppendedFile:
      return into_file(words, O_APPEND);
    case Into::TruncatedFile:
      return into_file(words, O_TRUNC);
    case Into::Terminal:
      return into_terminal(words);
    case Into::Pipe:
      break;
  }
  auto running = start_procrun(words);
  const pid_t pid = running.pid();
  Result result = running.finish();
  return {.pid = pid, .lines = lines_of(result.out), .result = result};
}

Into any_place() {
  return GENERATE(Into::Pipe, Into::AppendedFile, Into::TruncatedFile, Into::Terminal);
}

Lines child_lines(const std::string& pid) { return {"child process", pid, pid}; }

/// The pids in the lines that match, in their order.
Lines all_groups(const Lines& lines, const std::string& pattern) {
  Lines found;
  std::smatch match;
  for (const auto& line : lines) {
    if (std::regex_match(line, match, std::regex{pattern})) found.push_back(match[1].str());
  }
  return found;
}

}  // namespace

TEST_CASE("the fork lesson: both go on after fork, and each prints its own pid", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"fork"}, into);
  const std::string parent = number(told.pid);
  const std::string born = group_of(told.lines, R"(Parent process ret=(\d+))");
  CAPTURE(told.lines, parent);
  CHECK(born != parent);
  CHECK(
      is_shuffle(told.lines, {{"Parent process ret=" + born, parent, parent}, child_lines(born)}));
  CHECK(told.result.err == "");
  CHECK(told.result.exited(0));
}

TEST_CASE("the wait lesson: the parent prints pid and raw status before its last line", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"wait"}, into);
  const std::string parent = number(told.pid);
  const std::string born = group_of(told.lines, R"(Parent process ret=(\d+))");
  const std::string reaped = "(" + born + ", 0)";
  CAPTURE(told.lines, parent);
  CHECK(is_shuffle(told.lines,
                   {{"Parent process ret=" + born, parent, reaped, parent}, child_lines(born)}));
  // Reaped after the child's last line; only the parent's last one follows.
  CHECK(place_of(told.lines, reaped) == 5);
  CHECK(told.result.err == "");
  CHECK(told.result.exited(0));
}

TEST_CASE("the wait lesson's child ends as it is told to", "[cli]") {
  const NoDescendantLeft guard;
  const auto expect = [](const Words& words, const std::string& status) {
    const Told told = tell(words, Into::Pipe);
    const std::string born = group_of(told.lines, R"(Parent process ret=(\d+))");
    CAPTURE(told.lines);
    place_of(told.lines, "(" + born + ", " + status);
    CHECK(told.lines.size() == 7);
    CHECK(told.result.err == "");
    CHECK(told.result.exited(0));
  };
  expect({"wait", "--exit-code", "3"}, "768)  exited with code 3");
  expect({"wait", "--exit-code=255"}, "65280)  exited with code 255");
  expect({"wait", "--exit-code", "0"}, "0)");
  expect({"wait", "--kill", "KILL"}, "9)  killed by signal 9 (KILL)");
  expect({"wait", "--kill=sigterm"}, "15)  killed by signal 15 (TERM)");
  expect({"wait", "--kill", "10"}, "10)  killed by signal 10 (USR1)");
}

TEST_CASE("the wait lesson's child is killed by nothing that kills nobody", "[cli]") {
  const NoDescendantLeft guard;
  const std::string name = GENERATE("STOP", "tstp", "SIGCHLD", "CONT", "WINCH");
  CAPTURE(name);
  const Result result = run_procrun({"wait", "--kill", name});
  CHECK(result.err == "procrun: wait: --kill: '" + name + "' ends no process (TERM, KILL, SEGV)\n");
  CHECK(result.out == "");
  CHECK(result.exited(125));
}

TEST_CASE("the wait lesson reaps its children in the order in which they end", "[cli]") {
  const NoDescendantLeft guard;
  const Told told = tell({"wait", "--count", "3"}, Into::Pipe);
  const std::string parent = number(told.pid);
  const Lines born = all_groups(told.lines, R"(Parent process ret=(\d+))");
  CAPTURE(told.lines);
  REQUIRE(born.size() == 3);
  CHECK(std::set<std::string>(born.begin(), born.end()).size() == 3);
  Lines story;
  for (const auto& pid : born) story.push_back("Parent process ret=" + pid);
  story.push_back(parent);
  // The first one started sleeps longest.
  for (auto pid = born.rbegin(); pid != born.rend(); ++pid) story.push_back("(" + *pid + ", 0)");
  story.push_back(parent);
  std::vector<Lines> parts{story};
  for (const auto& pid : born) parts.push_back({pid, pid});
  Lines rest = told.lines;
  CHECK(std::erase(rest, "child process") == 3);  // which child's it is cannot be told
  CHECK(is_shuffle(rest, parts));
  CHECK(told.result.exited(0));
}

TEST_CASE("the wait lesson without a child: ECHILD as Python says it, and status 1", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"wait", "--childless"});
  CHECK(result.out == "");
  CHECK(result.err == "ChildProcessError: [Errno 10] No child processes\n");
  CHECK(result.exited(1));
}

namespace {

struct WaitpidStory {
  Told told;
  std::string parent;
  std::string exits3;
  std::string second;
  std::string killed;
  std::string group = number(::getpgrp());
  std::string stranger = number(::getpid());
};

WaitpidStory tell_waitpid(Words options, Into into) {
  options.insert(options.begin(), {"waitpid", "--speed", "2"});
  WaitpidStory story{
      .told = tell(options, into), .parent = {}, .exits3 = {}, .second = {}, .killed = {}};
  const Lines& lines = story.told.lines;
  story.parent = number(story.told.pid);
  story.exits3 = group_of(lines, R"(child process (\d+) sleeps 0\.45s, then exits with code 3)");
  story.second = group_of(lines, R"(child process (\d+) sleeps 0\.3s, then exits with code 0)");
  story.killed =
      group_of(lines, R"(child process (\d+) sleeps 0\.15s, then is killed by signal 9 \(KILL\))");
  return story;
}

std::vector<Lines> births_of(const WaitpidStory& story) {
  return {{"child process " + story.exits3 + " sleeps 0.45s, then exits with code 3"},
          {"child process " + story.second + " sleeps 0.3s, then exits with code 0"},
          {"child process " + story.killed + " sleeps 0.15s, then is killed by signal 9 (KILL)"}};
}

/// Of the two others that have ended waitpid(-1) takes whichever it finds: the one that slept for
/// 0.3 s, unless the machine was so busy that both had ended by then.
Lines first_three(const WaitpidStory& story) {
  std::string one = story.killed + ", 9)  killed by signal 9 (KILL)";
  std::string other = story.exits3 + ", 768)  exited with code 3";
  const Lines& lines = story.told.lines;
  const std::string swapped = "waitpid(-1, 0) = (" + other + ": whichever has ended";
  if (std::find(lines.begin(), lines.end(), swapped) != lines.end()) std::swap(one, other);
  return {"waitpid(" + story.second + ", 0) = (" + story.second +
              ", 0)  exited with code 0: the one that was asked for, not the first to end",
          "waitpid(-1, 0) = (" + one + ": whichever has ended",
          "waitpid(-" + story.group + ", 0) = (" + other + ": any child in that process group"};
}

Lines last_two(const WaitpidStory& story) {
  const std::string error = ": ChildProcessError: [Errno 10] No child processes: ";
  return {"waitpid(0, 0)" + error + "no child in our own process group is left",
          "waitpid(" + story.stranger + ", 0)" + error + "a process, but not our child"};
}

Lines joined(std::initializer_list<Lines> parts) {
  Lines all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

TEST_CASE("the waitpid lesson: the one asked for, then any, then a group, then nobody", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const WaitpidStory story = tell_waitpid({}, into);
  CAPTURE(story.told.lines);
  auto parts = births_of(story);
  parts.push_back(
      joined({{"Parent process id " + story.parent}, first_three(story), last_two(story)}));
  CHECK(is_shuffle(story.told.lines, parts));
  const Lines& lines = story.told.lines;
  CHECK(lines.front() == "Parent process id " + story.parent);
  // Nobody is reaped before he has spoken.
  CHECK(place_of(lines, parts[0][0]) < place_of(lines, first_three(story)[2]));
  CHECK(place_of(lines, parts[1][0]) < place_of(lines, first_three(story)[0]));
  CHECK(place_of(lines, parts[2][0]) < place_of(lines, first_three(story)[2]));
  CHECK(story.told.result.err == "");
  CHECK(story.told.result.exited(0));
}

TEST_CASE("the waitpid lesson shows WNOHANG, a stopped and a continued child", "[cli]") {
  const NoDescendantLeft guard;
  const bool nohang = GENERATE(true, false);
  const bool untraced = GENERATE(true, false);
  const bool continued = GENERATE(true, false);
  if (!nohang && !untraced && !continued) return;
  Words options;
  if (nohang) options.emplace_back("--nohang");
  if (untraced) options.emplace_back("--untraced");
  if (continued) options.emplace_back("--continued");
  CAPTURE(options);
  const WaitpidStory story = tell_waitpid(options, Into::Pipe);
  const Lines& lines = story.told.lines;
  CAPTURE(lines);
  Lines first;
  if (nohang) first = {"waitpid(" + story.second + ", WNOHANG) = (0, 0)  it still runs"};
  auto parts = births_of(story);
  Lines stop;
  if (untraced || continued) {
    const auto pid = group_of(lines, R"(child process (\d+) sleeps 0\.05s, then stops itself)");
    parts.push_back({"child process " + pid + " sleeps 0.05s, then stops itself"});
    const std::string call = "waitpid(" + pid + ", ";
    const std::string back = ") = (" + pid + ", ";
    if (untraced) stop.push_back(call + "WUNTRACED" + back + "4991)  stopped by signal 19 (STOP)");
    if (continued) stop.push_back(call + "WCONTINUED" + back + "65535)  continued");
    stop.push_back(call + "0" + back + "0)  exited with code 0");
  }
  parts.push_back(joined(
      {{"Parent process id " + story.parent}, first, first_three(story), stop, last_two(story)}));
  CHECK(is_shuffle(lines, parts));
  CHECK(story.told.result.exited(0));
}

TEST_CASE("the spawn lesson: started, the child says who it is, then joined", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"spawn"}, into);
  const std::string parent = number(told.pid);
  CAPTURE(told.lines);
  REQUIRE(told.lines.size() == 4);
  CHECK(told.lines[0] == "Parent process id " + parent);
  CHECK(told.lines[1] == "start child process");
  const auto born = group_of(told.lines, R"(This is child process (\d+) from parent process .*)");
  CHECK(told.lines[2] == "This is child process " + born + " from parent process " + parent +
                             ", and name is  test which is used for dev");
  CHECK(told.lines[3] == "Process end");
  CHECK(born != parent);
  CHECK(told.result.err == "");
  CHECK(told.result.exited(0));
}

TEST_CASE("the spawn lesson's child gets the name and the purpose as its arguments", "[cli]") {
  const NoDescendantLeft guard;
  const Told told = tell({"spawn", "--name", "a b", "--for=[1,2] {}"}, Into::Pipe);
  const std::string pattern = R"(This is child process \d+ from parent process )" +
                              number(told.pid) +
                              R"(, and name is  a b which is used for \[1,2\] \{\})";
  matched(told.lines, pattern);
  CHECK(told.result.exited(0));
}

TEST_CASE("the spawn lesson without join: the parent does not wait for the child's line", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"spawn", "--no-join"}, into);
  const std::string parent = number(told.pid);
  const auto born = group_of(told.lines, R"(This is child process (\d+) from parent process .*)");
  const std::string child_line = "This is child process " + born + " from parent process " +
                                 parent + ", and name is  test which is used for dev";
  CAPTURE(told.lines);
  CHECK(is_shuffle(
      told.lines,
      {{"Parent process id " + parent, "start child process", "Process end"}, {child_line}}));
  CHECK(place_of(told.lines, child_line) >= 2);
  CHECK(told.result.exited(0));
}

namespace {

constexpr const char* kTaskBegins = R"(child process id is (\d+))";
constexpr const char* kTaskEnds = R"(this is process (\d+))";

/// What holds for any run of the pool lesson: each task begins once and ends once, with never more
/// than `workers` at a time, between the first line and the last.
void check_pool_story(const Told& told, std::size_t workers, std::size_t tasks) {
  const Lines& lines = told.lines;
  CAPTURE(lines, workers, tasks);
  REQUIRE(lines.size() == 2 * tasks + 2);
  CHECK(lines.front() == "Current process is " + number(told.pid));
  CHECK(lines.back() == "pool process done");
  const Lines begun = all_groups(lines, kTaskBegins);
  CHECK(begun.size() == tasks);
  CHECK(std::set<std::string>(begun.begin(), begun.end()).size() <= workers);
  Lines numbers;
  for (std::size_t task = 0; task < tasks; ++task) numbers.push_back(std::to_string(task));
  CHECK(sorted(all_groups(lines, kTaskEnds)) == sorted(numbers));
  std::size_t running = 0;
  for (std::size_t i = 1; i + 1 < lines.size(); ++i) {
    const bool begins = matches(lines[i], kTaskBegins);
    if (!begins) REQUIRE(running > 0);
    running = begins ? running + 1 : running - 1;
    CHECK(running <= workers);
  }
  CHECK(told.result.err == "");
  CHECK(told.result.exited(0));
}

std::size_t processors() {
  cpu_set_t set;
  REQUIRE(::sched_getaffinity(0, sizeof set, &set) == 0);
  return static_cast<std::size_t>(CPU_COUNT(&set));
}

}  // namespace

TEST_CASE("the pool lesson: a worker takes its next task when it has ended one", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"pool", "-j", "2", "--speed", "20"}, into);
  check_pool_story(told, 2, 5);
  const Lines begun = all_groups(told.lines, kTaskBegins);
  CHECK(std::set<std::string>(begun.begin(), begun.end()).size() == 2);
}

TEST_CASE("the pool lesson with five workers: all begin at once and end in reverse", "[cli]") {
  const NoDescendantLeft guard;
  const Told told = tell({"pool", "-j5", "--speed", "4"}, Into::Pipe);
  check_pool_story(told, 5, 5);
  const Lines begun = all_groups(told.lines, kTaskBegins);
  CHECK(std::set<std::string>(begun.begin(), begun.end()).size() == 5);
  CHECK(matches(told.lines.at(5), kTaskBegins));
  CHECK(all_groups(told.lines, kTaskEnds) == Lines{"4", "3", "2", "1", "0"});
}

TEST_CASE("the pool lesson's default is a worker for each usable processor", "[cli]") {
  const NoDescendantLeft guard;
  check_pool_story(tell({"pool", "--speed", "50"}, Into::Pipe), processors(), 5);
  const auto one_processor = [] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(::sched_getcpu(), &set);
    ::sched_setaffinity(0, sizeof set, &set);
  };
  auto running = start_procrun({"pool", "--speed", "50"}, {.in_child = one_processor});
  const pid_t pid = running.pid();
  const Result result = running.finish();
  check_pool_story({.pid = pid, .lines = lines_of(result.out), .result = result}, 1, 5);
}

TEST_CASE("the pool lesson runs as many tasks as it is told", "[cli]") {
  const NoDescendantLeft guard;
  check_pool_story(tell({"pool", "-j3", "--tasks", "7", "--speed", "50"}, Into::Pipe), 3, 7);
  check_pool_story(tell({"pool", "-j3", "--tasks=1", "--speed", "50"}, Into::Pipe), 1, 1);
}

TEST_CASE("the pool lesson makes every sleep so many times shorter", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun({"pool", "-j5", "--speed", "100"});
  CHECK(result.exited(0));
  CHECK(Clock::now() - begin < seconds{3});  // 6 s at its own pace
}

TEST_CASE("the pool lesson survives the death of a worker and tells whose task is lost", "[cli]") {
  const NoDescendantLeft guard;
  const Into into = any_place();
  CAPTURE(name_of(into));
  const Told told = tell({"pool", "-j2", "--kill-worker", "1", "--speed", "10"}, into);
  const Lines& lines = told.lines;
  CAPTURE(lines);
  CHECK(lines.front() == "Current process is " + number(told.pid));
  CHECK(lines.back() == "pool process done");
  const auto killed = group_of(
      lines, R"(process 0 is lost: worker (\d+) killed by signal 9 \(KILL\) during the call)");
  CHECK(sorted(all_groups(lines, kTaskEnds)) == Lines{"1", "2", "3", "4"});
  // It is replaced: four tasks are left, and its pid is none of those that end them.
  const Lines begun = all_groups(lines, kTaskBegins);
  CHECK(std::count(begun.begin(), begun.end(), killed) <= 1);
  CHECK(std::set<std::string>(begun.begin(), begun.end()).size() <= 3);
  CHECK(told.result.err == "");
  CHECK(told.result.exited(0));
}

TEST_CASE("a worker that there is not cannot be killed", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-j2", "--kill-worker", "3", "--speed", "100"});
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.starts_with("procrun: pool: --kill-worker"));
  CHECK(result.out == "");
  CHECK(result.exited(125));
}

TEST_CASE("a lesson whose stdout takes nothing says so once and exits with 125", "[cli]") {
  const NoDescendantLeft guard;
  const Words lesson = GENERATE(Words{"fork"}, Words{"wait"}, Words{"waitpid", "--speed", "100"},
                                Words{"spawn"}, Words{"pool", "--speed", "100"});
  CAPTURE(lesson);
  const auto check = [&](const Result& result, const std::string& why) {
    const Lines lines = lines_of(result.err);
    // A child that speaks first may fail for the same reason and say so too.
    CHECK(std::count(lines.begin(), lines.end(),
                     "procrun: " + lesson[0] + ": write to standard output: " + why) >= 1);
    CHECK(result.exited(125));
  };
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  check(run_procrun(lesson, {.stdout_fd = full}), "No space left on device");
  check(run_procrun(lesson, {.close_stdout = true}), "Bad file descriptor");
  ::close(full);
}

}  // namespace procrun::test
