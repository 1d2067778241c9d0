// waitpid: whom it waits for, by address, pidfile, group, session and descent.
#include <sys/stat.h>

#include "strangers.h"

namespace procrun::test {
namespace {

/// Its record of --nohang --json, which tells its addresses.
nlohmann::json record_of(pid_t pid) {
  const Result result = run_procrun({"waitpid", "-q", "--nohang", "--json", number(pid)});
  return records_of(result.out).at(pid);
}

std::string started(const nlohmann::json& record) {
  return number(record["pid"].get<pid_t>()) + "@" +
         std::to_string(record["start_time"].get<std::uint64_t>());
}

/// A shell in a session and group of its own that does as `script` says.
Running start_session(const std::string& script) {
  return start({"sh", "-c", script}, {.keep_stdin_open = true, .in_child = [] { ::setsid(); }});
}

pid_t number_from(Running& running) { return std::stoi(running.read_until(Stream::Out, "\n")); }

}  // namespace

TEST_CASE("waitpid PID@STARTTIME waits for that process and no other", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const auto record = record_of(stranger.pid());
  CHECK(run_procrun({"waitpid", "-q", "--nohang", started(record)}).exited(124));
  auto other = record;
  other["start_time"] = record["start_time"].get<std::uint64_t>() - 1;
  const Result result = run_procrun({"waitpid", started(other)});
  CHECK(result.err ==
        "procrun: waitpid: wait for process " + started(other) + ": no such process\n");
  CHECK(result.exited(127));
  CHECK(run_procrun({"waitpid", "-e", started(other)}).exited(0));
}

TEST_CASE("waitpid PID:INODE waits for that process and no other", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const auto record = record_of(stranger.pid());
  const std::string pid = number(stranger.pid()) + ":";
  if (record["inode"].is_null()) {
    WARN("skipped: this kernel's pidfds have no inodes of their own");
    CHECK(run_procrun({"waitpid", pid + "1"}).exited(125));
    return;
  }
  const auto inode = record["inode"].get<std::uint64_t>();
  CHECK(run_procrun({"waitpid", "-q", "--nohang", pid + std::to_string(inode)}).exited(124));
  CHECK(run_procrun({"waitpid", pid + std::to_string(inode + 1)}).exited(127));
}

TEST_CASE("T9: a number that another process has by now is not waited for by its old address",
          "[cli]") {
  if (::geteuid() != 0) {
    WARN("skipped: only root can choose the next number");
    return;
  }
  const NoDescendantLeft guard;
  Strangers old{"0"};
  const auto record = record_of(old.pid());
  old.release();
  REQUIRE(old.reap().size() == 1);
  // The next process gets the old number, if nobody else takes it first.
  std::ofstream{"/proc/sys/kernel/ns_last_pid"} << old.pid() - 1;
  const pid_t child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  if (child != old.pid()) WARN("skipped: the number went to somebody else");
  if (child == old.pid() && record_of(child)["start_time"] != record["start_time"]) {
    CHECK(run_procrun({"waitpid", "-q", "--nohang", number(child)}).exited(124));
    CHECK(run_procrun({"waitpid", "-q", "--nohang", started(record)}).exited(127));
  }
  ::kill(child, SIGKILL);
  test::reap(child);
}

TEST_CASE("waitpid --pidfile waits for the process that the file names", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string path = dir / "web.pid";
  Strangers stranger{"6"};
  SECTION("by its number") { write_file(path, number(stranger.pid()) + "\n"); }
  SECTION("without a newline") { write_file(path, number(stranger.pid())); }
  SECTION("by an address, and more lines") {
    write_file(path, started(record_of(stranger.pid())) + "\nweb\n");
  }
  auto running = start_procrun({"waitpid", "-q", "--status", "--pidfile", path});
  await_waiting(running);
  stranger.release();
  CHECK(running.finish().exited(kernel_tells() ? 6 : 125));
}

TEST_CASE("waitpid --pidfile without a process is 127, or 0 with -e", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string path = dir / "web.pid";
  std::string why;
  SECTION("no file") { why = "no such file"; }
  SECTION("an empty file") {
    write_file(path, "");
    why = "it is empty";
  }
  SECTION("a stale file") {
    write_file(path, "4194303\n");
    why = "no such process: 4194303";
  }
  const Result result = run_procrun({"waitpid", "--pidfile", path});
  CHECK(result.err == "procrun: waitpid: wait for the process of " + path + ": " + why + "\n");
  CHECK(result.exited(127));
  CHECK(run_procrun({"waitpid", "-e", "--pidfile", path}).exited(0));
}

TEST_CASE("waitpid refuses a file that is no pidfile", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string path = dir / "web.pid";
  write_file(path, "hello\n");
  const Result result = run_procrun({"waitpid", "--pidfile", path});
  CHECK(result.err.starts_with("procrun: waitpid: " + path + " is not a pidfile: 'hello' is not"));
  CHECK(result.exited(125));
}

TEST_CASE("waitpid --pgid and --sid wait for all members, those that come later too", "[cli]") {
  const NoDescendantLeft guard;
  const std::string option = GENERATE("--pgid", "--sid");
  CAPTURE(option);
  // The second one is not there at the start.
  auto members =
      start_session("exec 3<&0; echo $$; read x; sh -c 'echo $$; read x <&3' & wait; true");
  const pid_t leader = number_from(members);
  auto running = start_procrun({"waitpid", "--json", "-q", option, number(leader)});
  await_waiting(running);
  members.write("go\n");
  const pid_t second = number_from(members);
  CHECK(second != leader);
  CHECK(is_running(running.pid()));
  members.write("go\n");
  const Result result = running.finish();
  CHECK(result.exited(0));
  CHECK(records_of(result.out).contains(leader));
}

TEST_CASE("waitpid --pgid goes on when the first members are gone and others are not", "[cli]") {
  const NoDescendantLeft guard;
  // The leader ends and leaves a child behind in its group, with stdin, which ends it.
  auto members =
      start_session("exec 3<&0; echo $$; read x; sh -c 'echo born >&2; read x <&3' & exit 0");
  const pid_t leader = number_from(members);
  auto running = start_procrun({"waitpid", "--json", "-q", "--pgid", number(leader)});
  await_waiting(running);
  members.write("go\n");
  members.read_until(Stream::Err, "born\n");
  // The leader is told; the one who was not there at the start is waited for.
  const std::string first = running.read_until(Stream::Out, "\n");
  CHECK(records_of(first).contains(leader));
  CHECK(is_running(running.pid()));
  members.write("go\n");
  const Result result = running.finish();
  CHECK(result.exited(0));
  CHECK(lines_of(result.out).size() == 2);
}

TEST_CASE("waitpid leaves itself and those above it out of a group", "[cli]") {
  const NoDescendantLeft guard;
  const std::string procrun = kProcrun;
  const std::string of = GENERATE("--pgid", "--sid", "--descendants");
  CAPTURE(of);
  const Result result = run({"sh", "-c",
                             "(exec sleep 0.2) & " + procrun + " waitpid " + of + " $$; " +
                                 "echo code $?; jobs -p | wc -l; :"},
                            plain({.in_child = [] { ::setsid(); }}));
  CHECK(lines_of(result.err).size() == 1);  // the one beside it
  CHECK(result.out.starts_with("code 0\n"));
}

TEST_CASE("waitpid of a group or session that there is not is 127, or 0 with -e", "[cli]") {
  const NoDescendantLeft guard;
  const std::string option = GENERATE("--pgid", "--sid", "--descendants");
  CAPTURE(option);
  const Result result = run_procrun({"waitpid", option, "4194303"});
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.exited(127));
  CHECK(run_procrun({"waitpid", "-e", option, "4194303"}).exited(0));
}

TEST_CASE("waitpid --descendants waits for those in other sessions, but not for PID itself",
          "[cli]") {
  const NoDescendantLeft guard;
  auto root = start({child("cli_tree")});  // with a child, and one in a session of its own
  root.read_until(Stream::Out, "ready");
  const auto below = descendants_of(root.pid());
  REQUIRE(below.size() == 2);
  auto running = start_procrun({"waitpid", "-q", "--json", "--descendants", number(root.pid())});
  await_waiting(running);
  for (const pid_t pid : below) ::kill(pid, SIGTERM);
  const Result result = running.finish();
  CHECK(result.exited(0));
  const auto records = records_of(result.out);
  for (const pid_t pid : below) CHECK(records.contains(pid));
  CHECK_FALSE(records.contains(root.pid()));
  CHECK(is_running(root.pid()));
  // It has an orphan, too, which had no parent any more when we came.
  for (const pid_t pid : descendants_of(::getpid())) {
    CHECK_FALSE(records.contains(pid));
    ::kill(pid, SIGKILL);
  }
}

TEST_CASE("waitpid --descendants of a process without any returns at once", "[cli]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const Result result = run_procrun({"waitpid", "--descendants", number(stranger.pid())});
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("waitpid --descendants finds children that are born while it waits", "[cli]") {
  const NoDescendantLeft guard;
  auto root = start({"sh", "-c", "sleep 60 & echo $!; read x; sleep 50 & echo $!; read x; wait"},
                    {.keep_stdin_open = true});
  const pid_t first = number_from(root);
  auto running = start_procrun({"waitpid", "-v", "--json", "--descendants", number(root.pid())});
  running.read_until(Stream::Err, "watching " + number(first));
  root.write("go\n");
  const pid_t second = number_from(root);
  running.read_until(Stream::Err, "watching " + number(second));
  ::kill(first, SIGTERM);
  running.read_until(Stream::Err, number(first) + " ");
  CHECK(is_running(running.pid()));
  ::kill(second, SIGTERM);
  const Result result = running.finish();
  CHECK(result.exited(0));
  CHECK(records_of(result.out).size() == 2);
  root.write("go\n");
}

}  // namespace procrun::test
