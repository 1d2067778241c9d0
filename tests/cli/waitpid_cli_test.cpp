// waitpid as a tool: waits for processes, children or not, and tells how they ended.
#include "program.h"

namespace procrun::test {
namespace {

/// A process that ends as told when its stdin ends, and is reaped by its parent at once.
class Reaped {
 public:
  explicit Reaped(const std::string& how)
      : parent_{start({"sh", "-c", "sh -c 'echo $$; read x; " + how + "'; true"},
                      {.keep_stdin_open = true})},
        pid_{std::stoi(parent_.read_until(Stream::Out, "\n"))} {}

  pid_t pid() const { return pid_; }
  /// Lets it end.
  void release() {
    parent_.write("go\n");
    parent_.finish();
  }

 private:
  Running parent_;
  pid_t pid_;
};

/// Whether procrun sleeps: it has opened its pidfds, and waits.
bool is_waiting(pid_t pid) {
  return read_file("/proc/" + number(pid) + "/wchan") == "ep_poll" ||
         status_of(pid, "State").starts_with("S");
}

bool kernel_tells() {
  // PIDFD_GET_INFO with PIDFD_INFO_EXIT came with Linux 6.15.
  int major = 0;
  int minor = 0;
  const std::string release = read_file("/proc/sys/kernel/osrelease");
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return false;
  const bool yes = major > 6 || (major == 6 && minor >= 15);
  if (!yes) WARN("skipped: this kernel does not tell a stranger's exit status");
  return yes;
}

}  // namespace

TEST_CASE("waitpid tells how a stranger ended", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const auto [how, told] = GENERATE(table<std::string, std::string>({
      {"exit 3", "exited with code 3"},
      {"exit 0", "exited with code 0"},
      {"kill -9 $$", "killed by signal 9 (KILL)"},
      {"kill -TERM $$", "killed by signal 15 (TERM)"},
  }));
  CAPTURE(how);
  Reaped stranger{how};
  auto running = start_procrun({"waitpid", number(stranger.pid())});
  REQUIRE(eventually([&] { return is_waiting(running.pid()); }));
  stranger.release();
  const Result result = running.finish();
  CHECK(result.out == "");
  CHECK(result.err == number(stranger.pid()) + " " + told + "\n");
  CHECK(result.exited(0));
}

TEST_CASE("waitpid waits for all, and tells of each when it ends", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  Reaped first{"exit 1"};
  Reaped second{"exit 2"};
  auto running = start_procrun({"waitpid", "--", number(first.pid()), number(second.pid())});
  REQUIRE(eventually([&] { return is_waiting(running.pid()); }));
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
                          status_of(::getpid(), "Name") + ") has not reaped it\n");
  CHECK(result.exited(0));
  CHECK(WEXITSTATUS(reap(zombie)) == 3);  // it is still there, for its parent
}

TEST_CASE("waitpid -t gives up with 124 and leaves the process alone", "[cli]") {
  const NoDescendantLeft guard;
  Reaped stranger{"exit 0"};
  const auto begin = Clock::now();
  const Result result = run_procrun({"waitpid", "-t", "200ms", number(stranger.pid())});
  CHECK(Clock::now() - begin >= milliseconds{200});
  CHECK(result.out == "");
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.starts_with("procrun: waitpid: timed out"));
  CHECK(result.exited(124));
  CHECK(is_running(stranger.pid()));
  stranger.release();
}

TEST_CASE("waitpid -t 0 has no limit", "[cli]") {
  const NoDescendantLeft guard;
  Reaped stranger{"exit 0"};
  auto running = start_procrun({"waitpid", "-t", "0", number(stranger.pid())});
  REQUIRE(eventually([&] { return is_waiting(running.pid()); }));
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

  Reaped stranger{"exit 0"};
  auto running = start_procrun({"waitpid", number(gone), number(stranger.pid())});
  running.read_until(Stream::Err, "no such process\n");
  REQUIRE(eventually([&] { return is_waiting(running.pid()); }));
  CHECK(is_running(running.pid()));  // the other one is waited for all the same
  stranger.release();
  CHECK(running.finish().exited(127));
}

TEST_CASE("waitpid -q tells nothing of the end", "[cli]") {
  const NoDescendantLeft guard;
  Reaped stranger{"exit 3"};
  auto running = start_procrun({"waitpid", "-q", number(stranger.pid())});
  REQUIRE(eventually([&] { return is_waiting(running.pid()); }));
  stranger.release();
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("waitpid tells of what procrun fork has started", "[cli]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string procrun = PROCRUN_BINARY;
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
  const std::string option = GENERATE("--nohang", "--untraced", "--continued");
  CAPTURE(option);
  const Result result = run_procrun({"waitpid", "-t", "300ms", option, number(::getpid())});
  CHECK(result.err.starts_with("procrun: waitpid: " + option));
  CHECK(result.exited(125));
}

TEST_CASE("waitpid reaps its own child and tells how it ended", "[cli]") {
  const NoDescendantLeft guard;
  const std::string procrun = PROCRUN_BINARY;
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
