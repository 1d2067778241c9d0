// spawn as a tool: owns one command and all that comes of it.
#include "program.h"

namespace procrun::test {
namespace {

/// The tree of cli_tree under procrun: itself, and its three descendants.
constexpr std::size_t kTree = 4;

std::size_t trees_in(pid_t pid) {
  std::size_t count = 0;
  for (const pid_t member : descendants_of(pid)) {
    count +=
        read_file("/proc/" + number(member) + "/cmdline").find("cli_tree") != std::string::npos &&
        status_of(member, "Name") == "cli_tree";
  }
  return count;
}

}  // namespace

TEST_CASE("spawn: nothing of the tree outlives the time limit", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "-t", "500ms", child("cli_tree")});
  running.read_until(Stream::Out, "ready\n");
  const Result result = running.finish();  // all have let go of stdout
  CHECK(result.out == "ready\n");
  CHECK(result.exited(124));
}

TEST_CASE("spawn: what the command leaves behind is ended with it", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"spawn", "-q", child("cli_tree"), "leave"});
  CHECK(result.out == "ready\n");
  CHECK(result.exited(5));
}

TEST_CASE("T19: a grandchild that holds the output does not hold procrun", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun({"spawn", "-q", "sh", "-c", "sleep 60 & echo out; exit 4"});
  CHECK(result.out == "out\n");
  CHECK(result.exited(4));
  CHECK(Clock::now() - begin < seconds{5});
}

TEST_CASE("spawn: a signal to stop ends the whole tree, and procrun dies of it", "[cli]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP);
  CAPTURE(signal);
  auto running = start_procrun({"spawn", child("cli_tree")});
  running.read_until(Stream::Out, "ready\n");
  CHECK(trees_in(running.pid()) == kTree);
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.signaled(signal));
}

TEST_CASE("spawn: the second signal to stop kills those who did not heed the first", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "-v", child("cli_tree"), "deaf"});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTERM);
  running.read_until(Stream::Err, "sent TERM to the tree");
  CHECK(trees_in(running.pid()) == kTree);
  running.send(SIGINT);
  const Result result = running.finish();
  // KILL was needed: that is what COMMAND died of.
  CHECK(result.signaled(SIGKILL));
}

TEST_CASE("spawn: kill -9 of procrun leaves nothing running", "[cli]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{}, Words{"deaf"});
  CAPTURE(how);
  Words words{"spawn", child("cli_tree")};
  words.insert(words.end(), how.begin(), how.end());
  auto running = start_procrun(words);
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGKILL);
  const Result result = running.finish();
  CHECK(result.signaled(SIGKILL));
}

TEST_CASE("spawn: with its worker killed, nothing is left and the status is procrun's own failure",
          "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", child("cli_tree")});
  running.read_until(Stream::Out, "ready\n");
  const auto worker = descendants_of(running.pid()).at(0);
  CHECK(parent_of(worker) == running.pid());
  ::kill(worker, SIGKILL);
  const Result result = running.finish();
  CHECK(result.err.find("lost: its worker " + number(worker) + " was killed by signal 9 (KILL)") !=
        std::string::npos);
  CHECK(result.exited(125));
}

TEST_CASE("spawn forwards the signals that do not stop it", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "-q", child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  for (const int signal : {SIGUSR1, SIGUSR2, SIGWINCH, SIGRTMIN + 3}) {
    running.send(signal);
    running.read_until(Stream::Out, "told " + std::to_string(signal) + "\n");
  }
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.exited(7));  // it ended by itself, in its own way
}

TEST_CASE("T37: spawn leaves a signal alone that it was given ignored", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "-q", child("cli_told")},
                               {.in_child = [] { ::signal(SIGINT, SIG_IGN); }});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGINT);
  running.send(SIGUSR1);
  CHECK(running.read_until(Stream::Out, "told 10\n") == "told 10\n");
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "ready\ntold 10\ntold 15\n");
  CHECK(result.exited(7));
}

TEST_CASE("T7: Ctrl-C reaches the command once, and procrun dies of it", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"spawn", "-q", child("cli_told")}, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.type("\x03");
  terminal.read_until("told 2\n");
  running.send(SIGUSR1);
  // CONT comes with every stop, in case COMMAND was stopped; a second INT does not.
  CHECK(terminal.read_until("told 10\n").find("told 2\n") == std::string::npos);
  running.send(SIGTERM);
  terminal.read_rest();
  running.finish();
}

TEST_CASE("Ctrl-C ends spawn and its tree", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"spawn", "-q", child("cli_tree")}, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.type("\x03");
  CHECK(running.finish().signaled(SIGINT));
  const std::string rest = terminal.read_rest();
  CAPTURE(rest);
  CHECK(rest.find("procrun") == std::string::npos);
}

TEST_CASE("spawn: a stopped command counts as running, and its time still runs", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"spawn", "-t", "1s", "sh", "-c", "kill -STOP $$"});
  const std::string told = running.read_until(Stream::Err, "it still counts as running\n");
  const Lines lines = lines_of(told);
  const std::string pid = group_of(lines, R"(This is child process (\d+) from parent process .*)");
  CHECK(lines.back() == "child process " + pid + " was stopped: it still counts as running");
  CHECK(running.finish().exited(124));
}

}  // namespace procrun::test
