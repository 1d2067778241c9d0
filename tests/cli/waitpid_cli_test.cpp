// waitpid as a tool: waits for processes, children or not, and tells how they ended.
#include "strangers.h"

namespace procrun::test {
TEST_CASE("waitpid tells how a stranger ended", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const auto [how, told] = GENERATE(table<std::string, std::string>({
      {"3", "exited with code 3"},
      {"0", "exited with code 0"},
      {"s9", "killed by signal 9 (KILL)"},
      {"s15", "killed by signal 15 (TERM)"},
  }));
  CAPTURE(how);
  Strangers stranger{how};
  auto running = start_procrun({"waitpid", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const Result result = running.finish();
  CHECK(result.out == "");
  CHECK(result.err == number(stranger.pid()) + " " + told + "\n");
  CHECK(result.exited(0));
}

TEST_CASE("waitpid waits for all, and tells of each when it ends", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Strangers first{"1"};
  Strangers second{"2"};
  auto running = start_procrun({"waitpid", "--", number(first.pid()), number(second.pid())});
  await_waiting(running);
  second.release();
  CHECK(running.read_until(Stream::Err, "\n") == number(second.pid()) + " exited with code 2\n");
  CHECK(is_running(running.pid()));
  first.release();
  CHECK(running.read_until(Stream::Err, "\n") == number(first.pid()) + " exited with code 1\n");
  CHECK(running.finish().exited(0));
}

TEST_CASE("waitpid names a zombie with the parent that has not reaped it", "[cli]") {
  const NoDescendantLeft guard;
  const pid_t zombie = ::fork();
  REQUIRE(zombie != -1);
  if (zombie == 0) ::_exit(3);
  siginfo_t ended{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(zombie), &ended, WEXITED | WNOWAIT) == 0);
  const Result result = run_procrun({"waitpid", number(zombie)});
  CHECK(result.err == number(zombie) + " is a zombie: its parent " + number(::getpid()) + " (" +
                          status_of(::getpid(), "Name") +
                          ") has not reaped it; it exited with code 3\n");
  CHECK(result.exited(0));
  CHECK(WEXITSTATUS(reap(zombie)) == 3);  // it is still there, for its parent
}

TEST_CASE("waitpid -t gives up with 124 and leaves the process alone", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const auto begin = Clock::now();
  const Result result = run_procrun({"waitpid", "-t", "200ms", number(stranger.pid())});
  CHECK(Clock::now() - begin >= milliseconds{200});
  CHECK(result.out == "");
  CHECK(result.err ==
        "procrun: waitpid: timed out: 1 still there\n" + number(stranger.pid()) + " still runs\n");
  CHECK(result.exited(124));
  CHECK(is_running(stranger.pid()));
  stranger.release();
}

TEST_CASE("waitpid -t 0 has no limit", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  auto running = start_procrun({"waitpid", "-t", "0", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  CHECK(running.finish().exited(0));
}

TEST_CASE("waitpid of a process that there is not is 127", "[cli]") {
  const NoDescendantLeft guard;
  const pid_t gone = ::fork();
  REQUIRE(gone != -1);
  if (gone == 0) ::_exit(0);
  reap(gone);
  const Result result = run_procrun({"waitpid", number(gone)});
  CHECK(result.out == "");
  CHECK(result.err == "procrun: waitpid: wait for process " + number(gone) + ": no such process\n");
  CHECK(result.exited(127));

  Strangers stranger{"0"};
  auto running = start_procrun({"waitpid", number(gone), number(stranger.pid())});
  running.read_until(Stream::Err, "no such process\n");
  await_waiting(running);
  CHECK(is_running(running.pid()));  // the other one is waited for all the same
  stranger.release();
  CHECK(running.finish().exited(127));
}

TEST_CASE("waitpid -q tells nothing of the end", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"3"};
  auto running = start_procrun({"waitpid", "-q", number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("waitpid tells of what procrun fork has started", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string procrun = kProcrun;
  const Result result =
      run({"sh", "-c",
           "pid=$(" + procrun + " fork -q -- sh -c 'sleep 0.3; exit 7'); echo $pid; " + procrun +
               " waitpid $pid"},
          plain({.env = {"PROCRUN_STATE_DIR=" + (dir / "state")}}));
  CHECK(result.err == lines_of(result.out).at(0) + " exited with code 7\n");
  CHECK(result.exited(0));
  reap_all();
}

TEST_CASE("a lesson's option with a PID is an error, not ignored", "[cli]") {
  const NoDescendantLeft guard;
  const std::string option = GENERATE("--untraced", "--continued");
  CAPTURE(option);
  const Result result = run_procrun({"waitpid", "-t", "300ms", option, number(::getpid())});
  CHECK(result.err.starts_with("procrun: waitpid: " + option));
  CHECK(result.exited(125));
}

TEST_CASE("waitpid reaps its own child and tells how it ended", "[cli]") {
  const NoDescendantLeft guard;
  const std::string procrun = kProcrun;
  // The shell becomes procrun: what it has started is procrun's child then, and ends then.
  const std::string until = "until grep -qx procrun /proc/$PPID/comm; do sleep 0.01; done; ";
  for (const auto& [how, told] : {std::pair{"exit 5", "exited with code 5"},
                                  std::pair{"kill -9 $$", "killed by signal 9 (KILL)"}}) {
    const Result result =
        run({"sh", "-c", "sh -c '" + until + how + "' & echo $!; exec " + procrun + " waitpid $!"},
            plain({}));
    const std::string pid = lines_of(result.out).at(0);
    CHECK(result.err == pid + " " + told + "\n");
    CHECK(result.exited(0));
  }
}

}  // namespace procrun::test
