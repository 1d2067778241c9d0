// fork --zombie and fork --orphan, each held against the kernel's own view, in every setting: where
// the machine adopts orphans, where this test does, and where an init does that reaps nobody.
#include "life.h"

namespace procrun::test {
namespace {

const std::string kGone = ", no VmRSS: its memory is gone\n";

struct Pair {
  pid_t parent = 0;
  pid_t child = 0;
};

/// Who they are, by what they say of themselves.
Pair pair_in(const Lines& lines) {
  const pid_t child = pid_in(lines, R"(Parent process ret=(\d+))");
  const auto seen = matched(
      lines,
      "watcher: " + number(child) +
          R"( \(procrun\): state [A-Z] \([a-z ]+\), parent (\d+) \(procrun\), VmRSS \d+ kB)");
  return {.parent = std::stoi(seen[1].str()), .child = child};
}

/// Whom the lesson names as the one who adopts.
pid_t adopter_in(const Lines& lines, pid_t orphan) {
  for (const auto& line : lines) {
    std::smatch match;
    const std::regex seen{"watcher: " + number(orphan) + R"( is adopted by (\d+) \(.*\))"};
    const std::regex shown{
        R"(watcher: orphans are adopted by (\d+) \(.*\) here, as another one shows)"};
    if (std::regex_match(line, match, seen) || std::regex_match(line, match, shown)) {
      return std::stoi(match[1].str());
    }
  }
  CAPTURE(lines);
  FAIL("nobody is named as the one who adopts");
  return 0;
}

/// What the last lines say of its reaping is what the kernel says.
void check_fate(const Lines& lines, pid_t dead, pid_t adopter) {
  CAPTURE(lines, dead, adopter);
  const bool is_left = std::any_of(lines.begin(), lines.end(), [](const auto& line) {
    return line.find("does not reap what it adopts") != std::string::npos;
  });
  if (is_left) {
    check_zombie(dead, adopter);
  } else {
    CHECK(std::any_of(lines.begin(), lines.end(), [&](const auto& line) {
      return line.starts_with("watcher: " + number(dead) + " is reaped");
    }));
    CHECK(status_of(dead, "State") == "");
  }
}

}  // namespace

TEST_CASE("the zombie lesson: state Z and no memory while the parent lives, as the kernel says",
          "[cli][life]") {
  const Below below = any_setting();
  const Setting setting{below};
  const pid_t adopter = adopter_here();
  Played played{{"fork", "--zombie=600"}};
  played.read_until(kGone);
  const Pair pair = pair_in(played.lines);
  CAPTURE(played.lines);
  check_zombie(pair.child, pair.parent);
  CHECK(parent_of(pair.parent) == played.running.pid());
  CHECK(played.lines.back() == "watcher: " + named(pair.child) + ": state Z (zombie), parent " +
                                   named(pair.parent) + ", no VmRSS: its memory is gone");

  ::kill(pair.parent, SIGKILL);
  if (below == Below::Test) {
    const std::string adopted = " is adopted by " + named(::getpid()) + "\n";
    played.read_until(adopted);
    check_zombie(pair.child, ::getpid());
    CHECK(WEXITSTATUS(reap(pair.child)) == 0);
  }
  CHECK(played.finish().exited(0));
  place_of(played.lines,
           "watcher: " + number(pair.parent) + " has ended: killed by signal 9 (KILL)");
  CHECK(adopter_in(played.lines, pair.child) == adopter);
  if (below == Below::Test) {
    const auto reaped = "watcher: " + number(pair.child) + " is reaped by " + named(adopter) + ": ";
    CHECK(played.lines.back().starts_with(reaped));
  }
  check_fate(played.lines, pair.child, adopter);
}

TEST_CASE("the zombie lesson by itself: both say their lines, the parent ends without waiting",
          "[cli][life]") {
  const Setting setting{Below::Test};
  Played played{{"fork", "--zombie=50ms"}};
  played.read_until(" is adopted by " + named(::getpid()) + "\n");
  const Pair pair = pair_in(played.lines);
  reap(pair.child);
  CHECK(played.finish().exited(0));
  const std::string parent = number(pair.parent);
  const std::string child = number(pair.child);
  Lines told;
  std::copy_if(played.lines.begin(), played.lines.end(), std::back_inserter(told),
               [](const auto& line) { return !line.starts_with("watcher"); });
  CHECK(is_shuffle(
      told, {{"Parent process ret=" + child, parent, parent}, {"child process", child, child}}));
  CHECK(played.lines.front() == "watcher process id " + number(played.pid));
  // The child has ended long before its parent's last line.
  CHECK(played.lines.at(played.lines.size() - 4) == parent);
  CHECK(played.lines.at(played.lines.size() - 3) ==
        "watcher: " + parent + " has ended: exited with code 0");
}

TEST_CASE("the zombie lesson says so when he who adopts does not reap", "[cli][life]") {
  const Setting setting{Below::Test};
  Played played{{"fork", "--zombie=0", "--explain"}};
  CHECK(played.finish().exited(0));
  const Pair pair = pair_in(played.lines);
  CAPTURE(played.lines);
  check_zombie(pair.child, ::getpid());
  matched(played.lines,
          "watcher: " + number(::getpid()) +
              R"( \(.*\) does not reap what it adopts: 1 of 1 not reaped after 5s.*)");
  reap(pair.child);
}

TEST_CASE("T2: the orphan lesson names who really adopts, as the kernel does", "[cli][life]") {
  const Below below = any_setting();
  const Setting setting{below};
  const pid_t adopter = adopter_here();
  Played played{{"fork", "--orphan=600"}};
  played.read_until(" is adopted by " + named(adopter) + "\n");
  const Pair pair = pair_in(played.lines);
  CAPTURE(played.lines);
  CHECK(parent_of(pair.child) == adopter);
  CHECK(is_running(pair.child));
  CHECK(status_of(pair.parent, "State") == "");
  place_of(played.lines, number(pair.child) + ": my parent is " + number(pair.parent));
  played.read_until(number(pair.child) + ": my parent was " + number(pair.parent) + " and is " +
                    number(adopter) + "\n");
  ::kill(pair.child, SIGKILL);
  if (below == Below::Test) CHECK(WTERMSIG(reap(pair.child)) == SIGKILL);
  CHECK(played.finish().exited(0));
  CHECK(adopter_in(played.lines, pair.child) == adopter);
  check_fate(played.lines, pair.child, adopter);
}

TEST_CASE("the orphan lesson by itself: the child outlives its parent, then ends", "[cli][life]") {
  const Setting setting{Below::Test};
  Played played{{"fork", "--orphan=50ms"}};
  played.read_until(" is adopted by " + named(::getpid()) + "\n");
  const Pair pair = pair_in(played.lines);
  reap(pair.child);
  CHECK(played.finish().exited(0));
  const std::string parent = number(pair.parent);
  const std::string child = number(pair.child);
  const Lines& lines = played.lines;
  const auto ended = place_of(lines, "watcher: " + parent + " has ended: exited with code 0");
  CHECK(ended <
        place_of(lines, child + ": my parent was " + parent + " and is " + number(::getpid())));
  CHECK(lines.back().starts_with("watcher: " + child + " is reaped by " + named(::getpid())));
}

TEST_CASE("below an init that reaps nobody the lessons say so, and it is so", "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const std::string story = GENERATE("--zombie=1ms", "--orphan=1ms");
  CAPTURE(story);
  const Result result = run(in_namespace({child("lazy_init"), kProcrun, "fork", story}));
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  const Pair pair = pair_in(lines);
  place_of(lines, "watcher: " + number(pair.child) + " is adopted by 1 (lazy_init)");
  matched(lines, R"(watcher: 1 \(lazy_init\) does not reap what it adopts: .*)");
  // As that init has read it in /proc.
  CHECK(lines.back() == "left " + number(pair.child) + " 1 Z");
  CHECK(std::count_if(lines.begin(), lines.end(),
                      [](const auto& line) { return line.starts_with("left "); }) == 1);
}

TEST_CASE("below an init that reaps nobody a parent that waits leaves nobody to it",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const auto [lesson, last] = GENERATE(table<Words, std::string>({
      {{"wait", "--count", "3", "--speed", "10"}, "2"},
      {{"waitpid", "--untraced", "--continued", "--speed", "10"},
       "waitpid(1, 0): ChildProcessError: [Errno 10] No child processes: a process, but not our "
       "child"},
      {{"spawn"}, "Process end"},
      {{"spawn", "--no-join", "--start-method", "spawn"}, "Process end"},
      {{"pool", "-j2", "--kill-worker", "2", "--speed", "50"}, "pool process done"},
  }));
  Words words{child("lazy_init"), kProcrun};
  words.insert(words.end(), lesson.begin(), lesson.end());
  const Result result = run(in_namespace(words));
  const Lines lines = lines_of(result.out);
  CAPTURE(lesson, lines, result.err);
  CHECK(result.exited(0));
  CHECK(std::find(lines.begin(), lines.end(), last) != lines.end());
  // As that init has read it in /proc.
  CHECK(std::none_of(lines.begin(), lines.end(),
                     [](const auto& line) { return line.starts_with("left "); }));
}

TEST_CASE("as an init procrun itself adopts the lesson's orphans, and reaps them", "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const std::string story = GENERATE("--zombie=1ms", "--orphan=1ms");
  CAPTURE(story);
  const Result result = run(in_namespace({kProcrun, "fork", story}));
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  const Pair pair = pair_in(lines);
  place_of(lines, "watcher: " + number(pair.child) + " is adopted by 1 (procrun, the watcher)");
  CHECK(lines.back().starts_with("watcher: " + number(pair.child) +
                                 " is reaped by 1 (procrun, the watcher): "));
}

TEST_CASE("where /proc is another namespace's the watcher goes by pidfds, and says so",
          "[cli][life]") {
  const NoDescendantLeft guard;
  if (!no_namespace().empty()) {
    WARN("skipped: " << no_namespace());
    return;
  }
  const Result result =
      run(in_namespace({child("lazy_init"), kProcrun, "fork", "--zombie=1ms"}, false));
  const Lines lines = lines_of(result.out);
  CAPTURE(lines, result.err);
  CHECK(result.exited(0));
  const std::string zombie = group_of(lines, R"(Parent process ret=(\d+))");
  matched(lines, "watcher: " + zombie + R"(: runs, .*; /proc does not show it here)");
  CHECK(std::count_if(lines.begin(), lines.end(), [&](const auto& line) {
          return line.starts_with("watcher: " + zombie + ": has ended and is not reaped: a zombie");
        }) == 2);
  matched(lines, R"(watcher: .* does not reap what it adopts: 1 of 1 .*)");
}

TEST_CASE("a lesson of life and death that is told to end leaves nobody, and dies of the signal",
          "[cli][life]") {
  const NoDescendantLeft guard;
  const Words story = GENERATE(Words{"fork", "--zombie=600"}, Words{"fork", "--orphan=600"},
                               Words{"fork", "--zombie=600", "--count", "4"});
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(story, signal);
  Played played{story};
  const bool orphan = story[1].starts_with("--orphan");
  played.read_until(orphan ? "my parent was" : "Z (zombie)");
  played.running.send(signal);
  CHECK(played.finish().signaled(signal));
  if (orphan) return;  // it was ours already
  // Its parent has reaped it: no zombie has come to us.
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
}

TEST_CASE("a lesson of life and death whose watcher is killed ends by itself", "[cli][life]") {
  const NoDescendantLeft guard;
  const Words story = GENERATE(Words{"fork", "--zombie=600"}, Words{"fork", "--orphan=600"},
                               Words{"fork", "--zombie=600", "--count", "4"});
  CAPTURE(story);
  Played played{story};
  played.read_until(story[1].starts_with("--orphan") ? "my parent was" : "Z (zombie)");
  played.running.send(SIGKILL);
  CHECK(played.finish().signaled(SIGKILL));
}

TEST_CASE("Ctrl-C on the terminal ends a lesson of life and death", "[cli][life]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"fork", "--zombie=600"}, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("Z (zombie)");
  terminal.type("\x03");
  CHECK(running.finish().signaled(SIGINT));
}

TEST_CASE("a lesson whose reader sleeps still ends at a signal", "[cli][life]") {
  const NoDescendantLeft guard;
  const Words lesson = GENERATE(Words{"fork", "--zombie=600"}, Words{"wait", "--count", "3"},
                                Words{"waitpid"}, Words{"pool", "-j2"});
  CAPTURE(lesson);
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  const std::string block(4096, 'x');
  while (::write(ends[1], block.data(), block.size()) > 0) {
  }
  REQUIRE(::fcntl(ends[1], F_SETFL, 0) == 0);
  auto running = start_procrun(lesson, {.stdout_fd = ends[1]});
  ::close(ends[1]);
  // It waits for room, and hears signals meanwhile: it has blocked TERM.
  REQUIRE(eventually([&] {
    const std::string blocked = status_of(running.pid(), "SigBlk");
    return (std::strtoull(blocked.c_str(), nullptr, 16) & (1ULL << (SIGTERM - 1))) != 0;
  }));
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
  ::close(ends[0]);
}

TEST_CASE("a signal that was ignored when the lesson began does not end it", "[cli][life]") {
  const NoDescendantLeft guard;
  Played played{{"fork", "--zombie=300ms"}, {.in_child = [] { ::signal(SIGHUP, SIG_IGN); }}};
  played.read_until("Z (zombie)");
  played.running.send(SIGHUP);
  played.read_until(" is adopted by ");
  reap(pid_in(played.lines, R"(Parent process ret=(\d+))"));
  CHECK(played.finish().exited(0));
}

TEST_CASE("the lessons of life and death live so much faster", "[cli][life]") {
  const NoDescendantLeft guard;
  const std::string story = GENERATE("--zombie=600", "--orphan=600");
  CAPTURE(story);
  Played played{{"fork", story, "--speed", "100000"}};
  played.read_until(" is adopted by ");
  const auto begin = Clock::now();
  reap(pid_in(played.lines, R"(Parent process ret=(\d+))"));
  CHECK(played.finish().exited(0));
  CHECK(Clock::now() - begin < seconds{60});
}

TEST_CASE("the stories of fork exclude each other, and their options belong to them",
          "[cli][life]") {
  const NoDescendantLeft guard;
  const auto refused = [](const Words& words, const std::string& why) {
    CAPTURE(words);
    const Result result = run_procrun(words);
    CHECK(result.exited(125));
    CHECK(result.err.find(why) != std::string::npos);
    CHECK(lines_of(result.err).size() == 1);
    CHECK(result.out == "");
  };
  refused({"fork", "--zombie", "--orphan"}, "exclude each other");
  refused({"fork", "--zombie", "--memory"}, "exclude each other");
  refused({"fork", "--count", "3"}, "--count needs --zombie");
  refused({"fork", "--max-children", "3"}, "--max-children needs --zombie");
  refused({"fork", "--zombie", "--count", "256"}, "from 1 to 255");
  refused({"fork", "--zombie", "--max-children", "0"}, "from 1 to 255");
  refused({"fork", "--zombie=soon"}, "--zombie");
  refused({"fork", "--zombie", "true"}, "--zombie is the lesson's, which has no COMMAND");
}

}  // namespace procrun::test
