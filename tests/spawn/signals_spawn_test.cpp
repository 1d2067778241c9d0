// Signals that procrun gets while it owns a command.
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

std::ptrdiff_t times(const std::string& text, const std::string& line) {
  const Lines lines = lines_of(text);
  return std::count(lines.begin(), lines.end(), line);
}

std::string told(int signal) { return "told " + std::to_string(signal); }

}  // namespace

TEST_CASE("INT, TERM and HUP start the stop plan with that very signal", "[spawn]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGINT, SIGHUP);
  CAPTURE(signal);
  auto running = start_procrun(spawn({"-q", "-k", "200ms"}, doing({"told"})));
  running.read_until(Stream::Out, "ready\n");
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.out == "ready\n" + told(signal) + "\n");
  CHECK(contains(result.err, "had to be killed"));
  CHECK(result.signaled(SIGKILL));  // what the command died of in the end
}

TEST_CASE("TERM starts the stop plan, and the command may end in its own way", "[spawn]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(spawn({"-q", "--term-seq", "INT,5s,KILL"}, doing({"told"})));
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "ready\n" + told(SIGTERM) + "\n");  // not the INT of the plan
  CHECK(result.exited(7));
}

TEST_CASE("the plan reaches each process of the tree once, the escaped ones too", "[spawn]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGINT, SIGTERM);
  CAPTURE(signal);
  auto running = start_procrun(
      spawn({"-q", "-k", "300ms"}, doing({"fork{", "told", "}", "orphan{", "told", "}", "told"})));
  for (int i = 0; i < 3; ++i) running.read_until(Stream::Out, "ready\n");
  running.send(signal);
  const Result result = running.finish();
  CHECK(times(result.out, told(signal)) == 3);
}

TEST_CASE("the second INT, TERM or HUP kills at once", "[spawn]") {
  const NoDescendantLeft guard;
  const int second = GENERATE(SIGTERM, SIGHUP);
  CAPTURE(second);
  const Mark mark;
  auto running = start_procrun(spawn({"-q", "-k", "30s"}, doing({"orphan{", "told", "}", "told"})),
                               {.env = {mark.env()}});
  for (int i = 0; i < 2; ++i) running.read_until(Stream::Out, "ready\n");
  running.send(SIGINT);
  for (int i = 0; i < 2; ++i) running.read_until(Stream::Out, told(SIGINT) + "\n");
  const auto begin = Clock::now();
  running.send(second);
  const Result result = running.finish();
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(result.signaled(SIGKILL));
  CHECK(mark.gone());
}

TEST_CASE("the same signal again kills when it is meant, not when it is the first told twice",
          "[spawn]") {
  const NoDescendantLeft guard;
  const auto told_again = [&](milliseconds pause, const std::string& nap) {
    auto running = start_procrun(spawn(
        {"-q", "-k", "60s"}, {"sh", "-c",
                              "trap 'echo first; sleep " + nap +
                                  "; exit 7' TERM; echo ready; while :; do sleep 0.1; done"}));
    running.read_until(Stream::Out, "ready\n");
    running.send(SIGTERM);
    running.read_until(Stream::Out, "first\n");
    eventually([] { return false; }, pause);
    running.send(SIGTERM);
    return running.finish();
  };
  // At once, as timeout(1) does it; where the machine is busy even that may come late.
  CHECK(eventually([&] { return WEXITSTATUS(told_again(milliseconds{0}, "0.3").status) == 7; }));
  CHECK(told_again(milliseconds{150}, "30").signaled(SIGKILL));
}

TEST_CASE("USR1, USR2, WINCH, CONT and real-time signals are passed on", "[spawn]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(spawn({"-q"}, doing({"told"})));
  running.read_until(Stream::Out, "ready\n");
  for (const int signal :
       {SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGQUIT, SIGURG, SIGRTMIN, SIGRTMIN + 5, SIGRTMAX}) {
    CAPTURE(signal);
    running.send(signal);
    running.read_until(Stream::Out, told(signal) + "\n");
  }
  running.send(SIGTERM);
  CHECK(running.finish().exited(7));
}

TEST_CASE("what is passed on is for the command alone, not for its tree", "[spawn]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(spawn({"-q", "-k", "200ms"}, doing({"fork{", "told", "}", "told"})));
  for (int i = 0; i < 2; ++i) running.read_until(Stream::Out, "ready\n");
  running.send(SIGUSR1);
  running.read_until(Stream::Out, told(SIGUSR1) + "\n");
  running.send(SIGTERM);
  CHECK(times(running.finish().out, told(SIGUSR1)) == 1);
}

TEST_CASE("T7: Ctrl-C reaches everybody exactly once", "[spawn]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  // In our group the terminal tells them; the orphan has a session of its own, so we do.
  auto running = start_procrun(
      spawn({"-q", "-k", "400ms"}, doing({"fork{", "told", "}", "orphan{", "told", "}", "told"})),
      on_terminal(terminal));
  terminal.close_slave();
  for (int i = 0; i < 3; ++i) terminal.read_until("ready\n");
  terminal.type("\x03");
  const std::string rest = terminal.read_rest();
  CHECK(running.finish().signaled(SIGKILL));
  CHECK(times(rest, told(SIGINT)) + times(rest, "^C" + told(SIGINT)) == 3);
}

TEST_CASE("a command that handles Ctrl-C itself is left its own status", "[spawn]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun(
      spawn({"-q"}, {"sh", "-c", "trap 'exit 9' INT; echo ready; while :; do sleep 0.02; done"}),
      on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.type("\x03");
  terminal.read_rest();
  CHECK(running.finish().exited(9));
}

TEST_CASE("a signal that comes while output waits for its reader still ends procrun", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Words way = GENERATE(Words{"--max-output", "1G"}, Words{"--quiet-ok"});
  CAPTURE(way);
  int pipe[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  Words options{"-q"};
  options.insert(options.end(), way.begin(), way.end());
  auto running =
      start_procrun(spawn(options, doing({"flood:150000", "tick:" + (dir / "t"), "exit:3"})),
                    {.stdout_fd = pipe[1]});
  ::close(pipe[1]);
  // It has written all, and has ended; nobody reads.
  REQUIRE(eventually([&] { return ticks_in(dir / "t").size() == 1; }));
  REQUIRE(eventually([&] { return descendants_of(running.pid()).size() <= 1; }));
  running.send(SIGTERM);
  const auto begin = Clock::now();
  const Result result = running.finish();
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(result.status != 0);
  ::close(pipe[0]);
}

TEST_CASE("the command starts with the mask and the dispositions that procrun was given",
          "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      spawn({"-q"}, {"grep", "-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"}), {.in_child = [] {
        ::signal(SIGUSR2, SIG_IGN);
        sigset_t set;
        ::sigemptyset(&set);
        ::sigaddset(&set, SIGUSR1);
        ::sigprocmask(SIG_SETMASK, &set, nullptr);
      }});
  const Lines lines = lines_of(result.out);
  REQUIRE(lines.size() == 3);
  const auto bits = [&](std::size_t i) {
    return std::stoull(lines[i].substr(lines[i].find(':') + 1), nullptr, 16);
  };
  CHECK(bits(0) == 1ULL << (SIGUSR1 - 1));
  CHECK((bits(1) & (1ULL << (SIGUSR2 - 1))) != 0);
  CHECK((bits(1) & (1ULL << (SIGINT - 1))) == 0);
}

TEST_CASE("who was just being born when its parent was told to end is told as well", "[spawn]") {
  const NoDescendantLeft guard;
  // Not there yet when TERM goes round, and without a parent when it is.
  const Result result = run_procrun(spawn({"-q", "-t", "300ms", "-k", "1h"}, doing({"heir"})));
  CHECK(result.exited(124));
  CHECK(result.err == "");  // nobody had to be killed
}

TEST_CASE("what a command does about the signal that ends it is left to it", "[spawn]") {
  const NoDescendantLeft guard;
  // Its child is born after TERM went round, while others of its tree end.
  const std::string line =
      "trap 'sleep 0.3 && echo tidied; exit' TERM; (sleep 60 & sleep 60) & wait";
  const Result result = run_procrun(spawn({"-q", "-t", "300ms", "-k", "1h"}, {"sh", "-c", line}));
  CHECK(result.exited(124));
  CHECK(result.out == "tidied\n");
}

TEST_CASE("T53: the time limit ends what a shell runs, whether it stays in between or not",
          "[spawn]") {
  const NoDescendantLeft guard;
  const std::string line = GENERATE("sleep 60; true", "exec sleep 60", "sleep 60 & wait");
  CAPTURE(line);
  const Result result = run_procrun(spawn({"-q", "-t", "200ms", "-k", "1h"}, {"sh", "-c", line}));
  CHECK(result.exited(124));
  CHECK(result.err == "");
}

TEST_CASE("T18: a Ctrl-Z at whatever instant of the start leaves nobody stuck behind", "[spawn]") {
  const NoDescendantLeft guard;
  for (int i = 0; i < 40; ++i) {
    CAPTURE(i);
    auto running = start_procrun(spawn({"-q"}, {"true"}), {.in_child = [] { ::setpgid(0, 0); }});
    const timespec a_moment{0, i * 60'000L};
    ::nanosleep(&a_moment, nullptr);
    ::kill(-running.pid(), SIGTSTP);  // unreaped, so the group is its own
    CHECK(eventually([&] {
      const std::string state = status_of(running.pid(), "State");
      return state.starts_with("T") || state.starts_with("Z");
    }));
    ::kill(-running.pid(), SIGCONT);
    CHECK(running.finish().exited(0));
  }
}

}  // namespace procrun::test
