// Time limits, the stop plan, and clocks that stand still.
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

const std::string kTerm = std::to_string(SIGTERM);

double ms_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

/// Time that passes while procrun stands still: there is nothing to wait for.
void hold(milliseconds time) {
  const timespec pause{time.count() / 1000, time.count() % 1000 * 1'000'000};
  ::nanosleep(&pause, nullptr);
}

/// Stopped for longer than its time limit, procrun ends the command only when all of it was used.
void stand_still_and_go_on(Running& running, Clock::time_point begin,
                           const std::function<void(int)>& send) {
  running.read_until(Stream::Out, "ready\n");
  send(SIGTSTP);
  REQUIRE(comes_to(running.pid(), 'T'));
  const auto stopped = Clock::now();
  const pid_t command = children_of(worker_of(running.pid())).at(0);
  CHECK(comes_to(command, 'T'));
  hold(milliseconds{900});
  CHECK(is_running(command));
  send(SIGCONT);
  const double stood_still = ms_since(stopped);
  CHECK(running.finish().exited(124));
  const double took = ms_since(begin);
  CHECK(took >= 600 + stood_still - 50);
  CHECK(took < 600 + stood_still + 1500);
}

}  // namespace

TEST_CASE("spawn -t gives an attempt its time and no more", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun(spawn({"-q", "--json", "-t", "300ms"}, doing({"pause"})));
  CHECK(result.exited(124));
  const double wall = json_number(result.err, "wall");
  CHECK(wall >= 0.3);
  CHECK(wall < 1.3);
  CHECK(ms_since(begin) >= 300);
}

TEST_CASE("spawn -t 0 and --deadline 0 are no limits", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(run_procrun(spawn({"-q", "-t", "0"}, doing({"ms:150", "exit:6"}))).exited(6));
  CHECK(run_procrun(spawn({"-q", "--deadline", "0"}, doing({"ms:150", "exit:6"}))).exited(6));
}

TEST_CASE("spawn -t holds for each attempt, and its clock begins anew", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto begin = Clock::now();
  CHECK(
      run_procrun(spawn({"-q", "-t", "200ms", "-r", "2"}, doing({"tick:" + (dir / "t"), "pause"})))
          .exited(124));
  CHECK(ticks_in(dir / "t").size() == 3);
  CHECK(ms_since(begin) >= 600);
}

TEST_CASE("spawn --deadline ends the attempt that runs when it comes, and no other follows",
          "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  // The first attempt outlives it; and one that comes after several.
  const std::string each = GENERATE("600", "80");
  CAPTURE(each);
  const auto begin = Clock::now();
  const Result result = run_procrun(spawn({"-q", "--deadline", "300ms", "-r", "9"},
                                          doing({"tick:" + (dir / "t"), "ms:" + each, "exit:1"})));
  CHECK(ms_since(begin) < 1200);
  CHECK(ms_since(begin) >= 300);
  CHECK(result.exited(124));
  const auto ticks = ticks_in(dir / "t");
  CHECK(ticks.size() >= 1);
  CHECK(ticks.size() <= (each == "600" ? 1U : 4U));
}

TEST_CASE("spawn --deadline is not slept through between attempts", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn({"-q", "--deadline", "300ms", "-r", "9", "--retry-delay", "30s"},
                        doing({"tick:" + (dir / "t"), "exit:3"})));
  CHECK(ms_since(begin) < 2000);
  CHECK(result.status != 0);
  CHECK(ticks_in(dir / "t").size() == 1);
}

TEST_CASE("spawn -s sends that signal first", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun(spawn({"-q", "-t", "200ms", "-s", "USR1", "-k", "200ms"}, doing({"told"})));
  CHECK(result.out == "ready\ntold " + std::to_string(SIGUSR1) + "\n");
  CHECK(result.exited(137));
}

TEST_CASE("spawn -k says how long after it KILL follows", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn({"-q", "-t", "200ms", "-k", "300ms"}, doing({"ignore:" + kTerm, "pause"})));
  CHECK(result.exited(137));
  CHECK(ms_since(begin) >= 500);
  CHECK(ms_since(begin) < 1500);
  CHECK(contains(result.err, "had to be killed"));
}

TEST_CASE("spawn -k does not hold up who heeds the first signal", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  CHECK(run_procrun(spawn({"-q", "-t", "100ms", "-k", "30s"}, doing({"pause"}))).exited(124));
  CHECK(ms_since(begin) < 2000);
}

TEST_CASE("spawn takes times that no clock can count as for ever", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string ages = GENERATE("9223372036", "106751d");
  CAPTURE(ages);
  const Words slow = doing({"ignore:" + kTerm, "ms:400", "exit:3"});
  CHECK(run_procrun(spawn({"-q", "-t", ages, "--deadline", ages}, slow)).exited(3));
  CHECK(run_procrun(spawn({"-q", "-t", "100ms", "-k", ages}, slow)).exited(124));
}

TEST_CASE("spawn --term-seq takes its steps in their order, each with its pause", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun(
      spawn({"-q", "-t", "200ms", "--term-seq", "INT,150ms,usr1,150ms,SIGKILL"}, doing({"told"})));
  CHECK(result.out == "ready\ntold 2\ntold 10\n");
  CHECK(result.exited(137));
  CHECK(ms_since(begin) >= 500);
}

TEST_CASE("spawn --term-seq with KILL alone has no first word", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun(spawn({"-q", "-t", "200ms", "--term-seq", "KILL"}, doing({"told"})));
  CHECK(result.out == "ready\n");
  CHECK(result.exited(137));
}

TEST_CASE("spawn --term-seq that cannot be is refused with the forms shown", "[spawn]") {
  const NoDescendantLeft guard;
  const auto with = [](const std::string& seq) {
    return run_procrun(spawn({"--term-seq", seq}, {"true"}));
  };
  for (const char* seq : {"TERM", "TERM,1s", "KILL,1s,TERM", "TERM,1s,KILL,1s"}) {
    CAPTURE(seq);
    CHECK(refused(with(seq), "TERM,10s,KILL"));
  }
  // A bare number would be milliseconds to parallel's users, seconds to timeout's.
  CHECK(refused(with("TERM,10,KILL"), "the unit must be written"));
  CHECK(refused(with("TERM,soon,KILL"), "250ms, 1.5s"));
  for (const char* seq : {"", "TERM,1s,", "NOSUCH,1s,KILL", ",1s,KILL", "1s,TERM,KILL"}) {
    CAPTURE(seq);
    CHECK(refused(with(seq), "--term-seq: "));
  }
}

TEST_CASE("spawn --term-seq excludes -s and -k, which it says better", "[spawn]") {
  const NoDescendantLeft guard;
  const Words other = GENERATE(Words{"-s", "INT"}, Words{"-k", "1s"});
  Words options{"--term-seq", "TERM,1s,KILL"};
  options.insert(options.end(), other.begin(), other.end());
  CHECK(refused(run_procrun(spawn(options, {"true"})), "--term-seq"));
}

TEST_CASE("the clocks stand still while procrun alone was stopped", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  auto running = start_procrun(spawn({"-q", "-t", "600ms"}, doing({"out:ready", "pause"})),
                               {.in_child = [] { ::setpgid(0, 0); }});
  stand_still_and_go_on(running, begin, [&](int signal) { running.send(signal); });
}

TEST_CASE("the clocks stand still while procrun's group was stopped", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  // A group whose parent is outside of it, in the same session, or the kernel would not stop it.
  auto running = start_procrun(spawn({"-q", "-t", "600ms"}, doing({"out:ready", "pause"})),
                               {.in_child = [] { ::setpgid(0, 0); }});
  stand_still_and_go_on(running, begin, [&](int signal) { ::kill(-running.pid(), signal); });
}

TEST_CASE("the pause between two attempts stands still as well", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(spawn({"-q", "-r", "1", "--retry-delay", "600ms"},
                                     doing({"tick:" + (dir / "t"), "out:ready", "exit:1"})),
                               {.in_child = [] { ::setpgid(0, 0); }});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTSTP);
  REQUIRE(comes_to(running.pid(), 'T'));
  const auto stopped = Clock::now();
  hold(milliseconds{900});
  running.send(SIGCONT);
  const double stood_still = ms_since(stopped);
  CHECK(running.finish().exited(1));
  const auto ticks = ticks_in(dir / "t");
  REQUIRE(ticks.size() == 2);
  CHECK(ticks[1] - ticks[0] >= 600 + stood_still - 100);
}

TEST_CASE("Ctrl-Z and fg under a shell cost the command none of its time", "[spawn]") {
  const NoDescendantLeft guard;
  if (run({"sh", "-c", "command -v bash"}).status != 0) {
    WARN("skipped: there is no bash");
    return;
  }
  Terminal terminal;
  auto shell = start({"bash", "--norc", "--noprofile", "-i"},
                     on_terminal(terminal, {.env = {"PS1=", "HISTFILE=", "TERM=dumb"}}));
  terminal.close_slave();
  terminal.type(std::string{kProcrun} + " spawn -q -t 900ms " + child("spawn_do") +
                " out:rea''dy ms:500 out:do''ne\n");
  terminal.read_until("ready\n");
  terminal.type("\x1a");
  terminal.read_until("Stopped");
  hold(milliseconds{1000});
  terminal.type("fg; echo code=$?.\n");
  terminal.read_until("done\n");
  CHECK(terminal.read_until("code=0.\n") != "");
  terminal.type("exit\n");
  terminal.read_rest();
  CHECK(shell.finish().exited(0));
}

}  // namespace procrun::test
