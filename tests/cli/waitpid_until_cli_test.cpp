// waitpid --until and --on-timeout: states other than the end, and ending who does not come to it.
#include <filesystem>

#include "strangers.h"

namespace procrun::test {
namespace {

/// A shell that has set its traps: "ready" is what it says first.
Running start_ready(const std::string& script) {
  auto words = Words{"sh", "-c", script};
  return Running{words, {.keep_stdin_open = true}};
}

}  // namespace

TEST_CASE("waitpid --until reaped waits for the parent, too", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers stranger{"7", 1, Strangers::Parent::Keeps};
  auto running =
      start_procrun({"waitpid", "--until", "reaped", "--status", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  REQUIRE(eventually([&] { return status_of(stranger.pid(), "State").starts_with("Z"); }));
  await_waiting(running);
  CHECK(is_running(running.pid()));
  stranger.reap();
  const Result result = running.finish();
  CHECK(result.err == number(stranger.pid()) + " exited with code 7\n");
  CHECK(result.exited(7));
}

TEST_CASE("waitpid --until reaped names the parent that does not reap, when its time is up",
          "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"7", 1, Strangers::Parent::Keeps};
  stranger.release();
  const Result result =
      run_procrun({"waitpid", "--until", "reaped", "-t", "200ms", number(stranger.pid())});
  const Lines lines = lines_of(result.err);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "procrun: waitpid: timed out: 1 still there");
  CHECK(lines[1].starts_with(number(stranger.pid()) + " is a zombie: its parent " +
                             number(stranger.parent()) + " (strangers) has not reaped it"));
  CHECK(result.exited(124));
  stranger.reap();
}

TEST_CASE("waitpid --until stopped and continued see both", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const std::string pid = number(stranger.pid());
  auto stops = start_procrun({"waitpid", "--until", "stopped", pid});
  await_waiting(stops);
  ::kill(stranger.pid(), SIGSTOP);
  Result result = stops.finish();
  CHECK(result.err == pid + " is stopped\n");
  CHECK(result.exited(0));
  CHECK(run_procrun({"waitpid", "-q", "--until", "stopped", pid}).exited(0));  // it is so still

  auto goes_on = start_procrun({"waitpid", "--until", "continued", pid});
  await_waiting(goes_on);
  CHECK(is_running(goes_on.pid()));
  ::kill(stranger.pid(), SIGCONT);
  result = goes_on.finish();
  CHECK(result.err == pid + " continued\n");
  CHECK(result.exited(0));
  CHECK(run_procrun({"waitpid", "--until", "continued", pid}).err == pid + " is not stopped\n");
}

TEST_CASE("waitpid --until stopped of a process that ends is 127", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers stranger{"4"};
  auto running = start_procrun({"waitpid", "--until", "stopped", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const Result result = running.finish();
  CHECK(result.err == number(stranger.pid()) + " exited with code 4\nprocrun: waitpid: " +
                          number(stranger.pid()) + " ended before it was stopped\n");
  CHECK(result.exited(127));
}

TEST_CASE("waitpid --until stopped sleeps between its looks", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  auto running = start_procrun({"waitpid", "-q", "--until", "stopped", number(stranger.pid())});
  // Where it sleeps it is always so much longer than a look takes, but beside others it may be late
  // to fall asleep.
  int longest = 0;
  CHECK(eventually(
      [&] { return (longest = std::max(longest, patience_of(running).value_or(0))) > 150; }));
  CHECK(longest <= 5000);
}

TEST_CASE("waitpid --on-timeout ends with TERM who heeds it", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const bool stopped = GENERATE(false, true);  // who is stopped has to be woken to heed it
  if (stopped) ::kill(stranger.pid(), SIGSTOP);
  const auto begin = Clock::now();
  const Result result = run_procrun(
      {"waitpid", "-t", "100ms", "--on-timeout", "TERM,10s,KILL", number(stranger.pid())});
  CHECK(Clock::now() - begin < seconds{8});
  const Lines lines = lines_of(result.err);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "procrun: waitpid: timed out: 1 still there");
  CHECK(lines[1].ends_with("killed by signal 15 (TERM)"));
  CHECK(result.exited(124));
}

TEST_CASE("waitpid --on-timeout goes on to KILL for who does not heed TERM", "[cli]") {
  const NoDescendantLeft guard;
  auto deaf = start_ready("trap '' TERM; echo ready; while :; do read x || sleep 1; done");
  deaf.read_until(Stream::Out, "ready\n");
  const Result result =
      run_procrun({"waitpid", "-t", "50ms", "--on-timeout", "TERM,200ms,KILL", number(deaf.pid())});
  CHECK(result.err.starts_with("procrun: waitpid: timed out: 1 still there\n" + number(deaf.pid()) +
                               " is a zombie: "));
  CHECK(result.err.ends_with("; it was killed by signal 9 (KILL)\n"));
  CHECK(result.exited(124));
  CHECK(deaf.finish().signaled(SIGKILL));
}

TEST_CASE("waitpid --on-timeout ends all members of a session", "[cli]") {
  const NoDescendantLeft guard;
  auto root = start({"sh", "-c", "sleep 60 & sleep 60 & echo ready; wait"},
                    {.in_child = [] { ::setsid(); }});
  root.read_until(Stream::Out, "ready\n");
  const Result result = run_procrun({"waitpid", "-q", "--json", "-t", "50ms", "--on-timeout",
                                     "TERM,10s,KILL", "--sid", number(root.pid())});
  CHECK(lines_of(result.out).size() == 3);
  CHECK(result.exited(124));
  CHECK(root.finish().signaled(SIGTERM));
}

TEST_CASE("waitpid --on-timeout says whom it may not signal, and does not wait for it", "[cli]") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can be two users");
    return;
  }
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms{0755});
  std::filesystem::copy_file(kProcrun, dir / "procrun");
  Strangers stranger{"0"};
  const Result result = run({dir / "procrun", "waitpid", "-t", "50ms", "--on-timeout",
                             "TERM,10s,KILL", number(stranger.pid())},
                            plain({.in_child = [] {
                              if (::setresuid(65534, 65534, 65534) == -1) ::_exit(97);
                            }}));
  CHECK(result.err ==
        "procrun: waitpid: timed out: 1 still there\nprocrun: waitpid: signal "
        "process " +
            number(stranger.pid()) + ": Operation not permitted\n" + number(stranger.pid()) +
            " still runs\n");
  CHECK(result.exited(124));
  CHECK(is_running(stranger.pid()));
}

}  // namespace procrun::test
