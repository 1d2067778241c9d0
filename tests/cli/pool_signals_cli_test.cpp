// pool as a tool: what signals and deaths do to it. Nothing is ever left running.
#include "program.h"

namespace procrun::test {
namespace {

/// Two jobs at a time, each a tree that is hard to catch, and more in the queue.
Words trees(const Words& how = {}) {
  Words words{"pool", "-v", "-j2", "-u", child("cli_tree")};
  words.insert(words.end(), how.begin(), how.end());
  words.insert(words.end(), {":::", "1", "2", "3", "4", "5"});
  return words;
}

void await_two_trees(Running& running) {
  running.read_until(Stream::Out, "ready\n");
  running.read_until(Stream::Out, "ready\n");
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A pipe that nobody reads.
class UnreadPipe {
 public:
  UnreadPipe() { REQUIRE(::pipe2(ends_, O_CLOEXEC) == 0); }
  ~UnreadPipe() {
    for (const int end : ends_) ::close(end);
  }
  UnreadPipe(const UnreadPipe&) = delete;
  UnreadPipe& operator=(const UnreadPipe&) = delete;

  int in() const { return ends_[1]; }
  bool is_full() const {
    pollfd writable{ends_[1], POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 0;
  }

 private:
  int ends_[2];
};

/// Each worker is a child of procrun; those in `known` do not count.
std::vector<pid_t> workers_of(pid_t procrun) {
  std::vector<pid_t> workers;
  for (const pid_t pid : descendants_of(procrun)) {
    if (parent_of(pid) == procrun) workers.push_back(pid);
  }
  return workers;
}

}  // namespace

TEST_CASE("pool: a signal to stop ends all trees, starts no more, and procrun dies of it",
          "[cli]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP);
  CAPTURE(signal);
  auto running = start_procrun(trees());
  await_two_trees(running);
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.out == "ready\nready\n");
  const std::string sum = lines_of(result.err).back();
  CHECK(sum.starts_with("pool process done: 2 jobs, 0 ok, 2 cancelled"));
  CHECK(sum.find("signal " + std::to_string(signal)) != std::string::npos);
  CHECK(result.signaled(signal));
}

TEST_CASE("pool: the second signal to stop kills those who did not heed the first", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(trees({"deaf"}));
  await_two_trees(running);
  running.send(SIGTERM);
  running.read_until(Stream::Err, "sent TERM to the tree");
  running.read_until(Stream::Err, "sent TERM to the tree");
  running.send(SIGINT);
  const auto begin = Clock::now();
  const Result result = running.finish();
  CHECK(Clock::now() - begin < seconds{8});  // not after TERM's ten seconds
  CHECK(count_of(result.err, "sent KILL to the tree") >= 2);
  CHECK(result.signaled(SIGTERM));
}

TEST_CASE("pool: the same signal again kills when it is meant, not when it is the first told twice",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto told_again = [&](milliseconds pause, const std::string& nap) {
    auto running = start_procrun({"pool", "-u", "--kill-after", "60s", "sh", "-c",
                                  "trap 'echo first; sleep " + nap +
                                      "; exit 7' TERM; echo ready; while :; do sleep 0.1; done",
                                  ":::", "a"});
    running.read_until(Stream::Out, "ready\n");
    running.send(SIGTERM);
    running.read_until(Stream::Out, "first\n");
    eventually([] { return false; }, pause);
    running.send(SIGTERM);
    return running.finish().err;
  };
  const auto says = [](const std::string& err, const std::string& how) {
    return err.find(how) != std::string::npos;
  };
  // At once, as timeout(1) does it; where the machine is busy even that may come late.
  CHECK(eventually([&] { return says(told_again(milliseconds{0}, "0.3"), "exited with code 7"); }));
  CHECK(says(told_again(milliseconds{150}, "30"), "killed by signal 9"));
}

TEST_CASE("pool: kill -9 of procrun leaves nothing running", "[cli]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{}, Words{"deaf"});
  CAPTURE(how);
  auto running = start_procrun(trees(how));
  await_two_trees(running);
  running.send(SIGKILL);
  CHECK(running.finish().signaled(SIGKILL));
}

TEST_CASE("pool: kill -9 of procrun while workers start job after job leaves nothing running",
          "[cli]") {
  const NoDescendantLeft guard;
  std::string items;
  for (int i = 0; i < 5000; ++i) items += std::to_string(i) + "\n";
  for (int round = 0; round < 5; ++round) {
    auto running = start_procrun({"pool", "-q", "-j4", "-k", "sh", "-c", "echo {}; true"},
                                 {.input = items, .keep_stdin_open = true});
    running.read_until(Stream::Out, std::to_string(20 + 7 * round) + "\n");
    running.send(SIGKILL);
    CHECK(running.finish().signaled(SIGKILL));
  }
}

TEST_CASE(
    "pool: a worker that is killed loses its job, which is said and counted, and the pool goes on",
    "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun({"pool", "-j2", "-k", "sh", "-c",
                                "if [ {} = tree ]; then exec $0 >&2; fi; echo {}",
                                child("cli_tree"), ":::", "tree", "a", "b", "c"});
  const std::string told = running.read_until(Stream::Err, ": job 1, ");
  const auto worker = group_of(
      lines_of(told), R"(child process id is \d+ from parent process (\d+): job 1, <no newline>)");
  // The trees' own word, which a lost job's output could not bring.
  REQUIRE(eventually([&] {
    std::size_t trees = 0;
    for (const pid_t pid : descendants_of(std::stoi(worker))) {
      trees += status_of(pid, "Name") == "cli_tree";
    }
    return trees == 4;
  }));
  ::kill(std::stoi(worker), SIGKILL);
  const Result result = running.finish();
  CHECK(result.out == "a\nb\nc\n");
  CHECK(count_of(result.err,
                 "job 1: lost: its worker " + worker + " was killed by signal 9 (KILL)") >= 1);
  CHECK(lines_of(result.err)
            .back()
            .starts_with("pool process done: 4 jobs, 3 ok, 1 failed (job 1: "));
  CHECK(result.exited(1));
}

TEST_CASE("pool: what a lost worker ran is gone before the next job starts", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  // Killed, the first dies slowly; until then it has the lock.
  auto running =
      start_procrun({"pool", "-j1", "-u", child("cli_heavy"), ":::", dir / "lock", dir / "lock"});
  running.read_until(Stream::Out, "ready\n");
  const pid_t job = descendants_of(running.pid()).back();
  REQUIRE(::kill(parent_of(job), SIGKILL) == 0);
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("pool: an idle worker that is killed is replaced, and no job is lost", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "-j1", "echo"}, {.keep_stdin_open = true});
  running.write("a\n");
  running.read_until(Stream::Out, "a\n");
  const auto workers = workers_of(running.pid());
  REQUIRE(workers.size() == 1);
  ::kill(workers[0], SIGKILL);
  REQUIRE(eventually([&] { return !std::filesystem::exists("/proc/" + number(workers[0])); }));
  running.write("b\n");
  running.read_until(Stream::Out, "b\n");
  running.close_input();
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("pool: a worker that somebody has stopped ends with the others", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "-j2", "sleep", ":::", "60", "61"});
  REQUIRE(eventually([&] { return descendants_of(running.pid()).size() == 4; }));
  const pid_t worker = workers_of(running.pid()).front();
  ::kill(worker, SIGSTOP);
  REQUIRE(eventually([&] { return status_of(worker, "State").starts_with("T"); }));
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("pool: what a job leaves behind is ended before the next begins", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "-j1", "-k", "--log-level=error", "sh", "-c",
                   "pgrep -c cli_tree -s 0 -P $PPID; pgrep -P $PPID -c cli_tree; $0 leave >&2",
                   child("cli_tree"), ":::", "1", "2", "3"});
  CHECK(result.out == "0\n0\n0\n0\n0\n0\n");
  CHECK(result.exited(3));
}

TEST_CASE("Ctrl-C ends the pool, its jobs and their trees", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  Words words = trees();
  words[1] = "-q";
  auto running = start_procrun(words, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.read_until("ready\n");
  terminal.type("\x03");
  CHECK(running.finish().signaled(SIGINT));
  CHECK(terminal.read_rest() == "^C");
}

TEST_CASE("pool: the hangup of its terminal ends it and its jobs", "[cli]") {
  const NoDescendantLeft guard;
  const bool quiet = GENERATE(true, false);
  CAPTURE(quiet);
  std::optional<Terminal> terminal{std::in_place};
  Words words = trees();
  if (quiet) words[1] = "-q";
  auto running = start_procrun(words, on_terminal(*terminal));
  terminal->close_slave();
  terminal->read_until("ready\n");
  terminal->read_until("ready\n");
  terminal.reset();
  // The story that nobody can read any more does not change that.
  CHECK(running.finish().signaled(SIGHUP));
}

TEST_CASE("pool: signals work while the story's reader sleeps", "[cli]") {
  const NoDescendantLeft guard;
  const UnreadPipe pipe;
  Words words{"pool", "true", std::string(2000, 'x'), ":::"};
  for (int i = 0; i < 2000; ++i) words.push_back(std::to_string(i));
  auto running = start_procrun(words, {.stderr_fd = pipe.in()});
  REQUIRE(eventually([&] { return pipe.is_full(); }));
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("T37: pool leaves a signal alone that it was given ignored", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "echo"}, {.keep_stdin_open = true, .in_child = [] {
                                                          ::signal(SIGINT, SIG_IGN);
                                                          ::signal(SIGHUP, SIG_IGN);
                                                        }});
  running.write("a\n");
  running.read_until(Stream::Out, "a\n");
  running.send(SIGINT);
  running.send(SIGHUP);
  running.write("b\n");
  running.read_until(Stream::Out, "b\n");
  running.close_input();
  const Result result = running.finish();
  CHECK(result.out == "a\nb\n");
  CHECK(result.exited(0));
}

TEST_CASE("pool: TERM while it waits for input ends it at once", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "echo"}, {.keep_stdin_open = true});
  running.read_until(Stream::Err, "Current process is ");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("TTOU: a job that asks for the terminal does not get it and cannot stop the pool",
          "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  const std::string asks = GENERATE("read x </dev/tty", "stty echo </dev/tty");
  CAPTURE(asks);
  auto running = start_procrun(
      {"pool", "-q", "-u", "--timeout", "300ms", "sh", "-c", asks + "; echo got", ":::", "a"},
      on_terminal(terminal));
  terminal.close_slave();
  // Stopped by SIGTTIN or SIGTTOU, and ended when its time is up.
  CHECK(running.finish().exited(1));
  CHECK(terminal.read_rest().find("got") == std::string::npos);
}

TEST_CASE("pool: signals work while only the output of jobs that have ended is left to be read",
          "[cli]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGTERM, SIGINT);
  CAPTURE(signal);
  const UnreadPipe pipe;
  auto running = start_procrun({"pool", "-q", "seq 30000 #", ":::", "1"}, {.stdout_fd = pipe.in()});
  REQUIRE(eventually([&] { return pipe.is_full() && descendants_of(running.pid()).empty(); }));
  running.send(signal);
  CHECK(running.finish().signaled(signal));
}

}  // namespace procrun::test
