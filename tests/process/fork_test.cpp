#include "process/fork.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <system_error>

#include "process/forked.h"
#include "support.h"
#include "sys/fd.h"

using procrun::ExitStatus;
using procrun::Waited;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;
namespace sys = procrun::sys;

namespace {

/// A forked child that ends with `code` at once.
pid_t child_that_exits(int code) {
  const pid_t pid = procrun::fork();
  if (pid == 0) ::_exit(code);
  return pid;
}

pid_t child_that_sleeps() {
  const pid_t pid = procrun::fork();
  while (pid == 0) ::pause();
  return pid;
}

int errno_of_wait(pid_t pid) {
  try {
    (void)procrun::waitpid(pid, WNOHANG);
  } catch (const std::system_error& error) {
    return error.code().value();
  }
  return 0;
}

}  // namespace

TEST_CASE("fork returns the child's pid in the parent and 0 in the child", "[fork]") {
  const NoChildLeft guard;
  const sys::Pipe pipe = sys::make_pipe();
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    procrun::test::say(pipe.write.get(), std::to_string(::getpid()));
    ::_exit(0);
  }
  CHECK(procrun::waitpid(pid).pid == pid);
  char text[32] = {};
  REQUIRE(::read(pipe.read.get(), text, sizeof text) > 0);
  CHECK(std::stoi(text) == pid);
}

TEST_CASE("T1: what stdio has buffered is not printed twice after a fork", "[fork]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) -> int {
    ::dup2(report, 1);
    ::setvbuf(stdout, nullptr, _IOFBF, 4096);
    std::printf("before");
    const pid_t pid = procrun::fork();
    if (pid == 0) {
      std::printf(" child");
      procrun::leave(0);
    }
    (void)procrun::waitpid(pid);
    std::printf(" parent");
    procrun::leave(0);
  });
  CHECK(end.report == "before child parent");
}

TEST_CASE("a child that leaves writes out what stdio has buffered", "[fork]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) -> int {
    ::dup2(report, 1);
    std::printf("no newline");
    procrun::leave(7);
  });
  CHECK(end.report == "no newline");
  CHECK(end.exited(7));
}

TEST_CASE("a child that leaves does not run its parent's exit handlers", "[fork]") {
  const NoChildLeft guard;
  static int report_to;
  const auto end = in_child([](int report) -> int {
    report_to = report;
    std::atexit([] { procrun::test::say(report_to, "exit handler"); });
    procrun::leave(0);
  });
  CHECK(end.report.empty());
}

TEST_CASE("wait reaps the children in the order in which they end", "[fork]") {
  const NoChildLeft guard;
  std::map<pid_t, int> codes;
  for (const int code : {1, 2, 3}) codes[child_that_exits(code)] = code;
  for (int i = 0; i < 3; ++i) {
    const Waited waited = procrun::wait();
    REQUIRE(codes.contains(waited.pid));
    CHECK(waited.status.code() == codes[waited.pid]);
    codes.erase(waited.pid);
  }
  CHECK(codes.empty());
}

TEST_CASE("wait without a child is ECHILD", "[fork]") {
  const NoChildLeft guard;
  CHECK_THROWS_WITH(procrun::wait(), Catch::Contains("No child processes"));
  CHECK(errno_of_wait(-1) == ECHILD);
}

TEST_CASE("waiting for a process that is not our child is ECHILD", "[fork]") {
  const NoChildLeft guard;
  CHECK(errno_of_wait(1) == ECHILD);
  CHECK(errno_of_wait(::getppid()) == ECHILD);
}

TEST_CASE("waitpid waits for the chosen child and leaves the others", "[fork]") {
  const NoChildLeft guard;
  const pid_t first = child_that_exits(1);
  const pid_t second = child_that_exits(2);
  const Waited waited = procrun::waitpid(second);
  CHECK(waited.pid == second);
  CHECK(waited.status.code() == 2);
  CHECK(procrun::waitpid(-1).pid == first);
}

TEST_CASE("waitpid that must not hang returns pid 0 while the child runs", "[fork]") {
  const NoChildLeft guard;
  const pid_t pid = child_that_sleeps();
  CHECK(procrun::waitpid(pid, WNOHANG).pid == 0);
  ::kill(pid, SIGKILL);
  CHECK(procrun::waitpid(pid).status.term_signal() == SIGKILL);
}

TEST_CASE("waitpid tells of stopped and continued children when it is asked to", "[fork]") {
  const NoChildLeft guard;
  const pid_t pid = child_that_sleeps();
  ::kill(pid, SIGSTOP);
  const Waited stopped = procrun::waitpid(pid, WUNTRACED);
  CHECK(stopped.status.stopped());
  CHECK(stopped.status.stop_signal() == SIGSTOP);
  ::kill(pid, SIGCONT);
  CHECK(procrun::waitpid(pid, WCONTINUED).status.continued());
  ::kill(pid, SIGKILL);
  CHECK(procrun::waitpid(pid).status.signaled());
}

TEST_CASE("waitpid with pid 0 waits for our own process group only", "[fork]") {
  const NoChildLeft guard;
  const pid_t other = child_that_sleeps();
  REQUIRE(::setpgid(other, 0) == 0);
  const pid_t ours = child_that_exits(5);
  CHECK(procrun::waitpid(0).pid == ours);
  CHECK(errno_of_wait(0) == ECHILD);
  ::kill(other, SIGKILL);
  CHECK(procrun::waitpid(other).pid == other);
}

TEST_CASE("waitpid with a negative pid waits for that process group only", "[fork]") {
  const NoChildLeft guard;
  const pid_t other = child_that_sleeps();
  REQUIRE(::setpgid(other, 0) == 0);
  const pid_t ours = child_that_exits(5);
  CHECK(procrun::waitpid(-other, WNOHANG).pid == 0);
  ::kill(other, SIGKILL);
  CHECK(procrun::waitpid(-other).pid == other);
  CHECK(procrun::waitpid(ours).pid == ours);
}

TEST_CASE("a wait that a signal interrupts goes on", "[fork]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    struct sigaction action {};
    action.sa_handler = [](int) {};  // without SA_RESTART
    ::sigaction(SIGUSR1, &action, nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = procrun::fork();
    if (child == 0) {
      for (int i = 0; i < 20; ++i) ::kill(parent, SIGUSR1);
      ::_exit(3);
    }
    return procrun::waitpid(child).status.code();
  });
  CHECK(end.exited(3));
}

TEST_CASE("T3: with SIGCHLD ignored there is no status to be had", "[fork]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    ::signal(SIGCHLD, SIG_IGN);
    (void)child_that_exits(3);
    try {
      (void)procrun::wait();
    } catch (const std::system_error& error) {
      return error.code().value() == ECHILD ? 0 : 1;
    }
    return 2;
  });
  CHECK(end.exited(0));
}

TEST_CASE("T57: a fork that the machine refuses is a named error", "[fork]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    // RLIMIT_NPROC does not bind root: under a number that nobody uses it does.
    const rlimit one{0, 0};
    ::setrlimit(RLIMIT_NPROC, &one);
    if (::geteuid() == 0 && ::setresuid(54321, 54321, 54321) != 0) return 98;
    try {
      if (procrun::fork() == 0) ::_exit(0);
    } catch (const std::system_error& error) {
      procrun::test::say(report, error.what());
      return error.code().value() == EAGAIN ? 0 : 1;
    }
    return 2;
  });
  CHECK(end.exited(0));
  CHECK_THAT(end.report, Catch::StartsWith("fork: "));
}
