#include "sys/pidfd.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <thread>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;

namespace {

[[noreturn]] int sleep_for_ever() {
  for (;;) ::pause();
}

}  // namespace

TEST_CASE("a process that is no more has no pidfd", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) { return 0; }};
  const pid_t pid = child.pid();
  (void)child.finish();
  CHECK_FALSE(sys::open_pidfd(pid));
}

TEST_CASE("a number that cannot be a pid is an error", "[pidfd]") {
  CHECK_THROWS_AS(sys::open_pidfd(-5), std::system_error);
}

TEST_CASE("a signal goes to the process that the pidfd names", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) { return sleep_for_ever(); }};
  const auto pidfd = sys::open_pidfd(child.pid());
  REQUIRE(pidfd);
  CHECK(sys::send_signal(*pidfd, SIGUSR1));
  CHECK(child.finish().signaled(SIGUSR1));
}

TEST_CASE("T9: a signal to a process that is gone goes nowhere", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) { return sleep_for_ever(); }};
  const auto pidfd = sys::open_pidfd(child.pid());
  REQUIRE(pidfd);
  ::kill(child.pid(), SIGKILL);
  (void)child.finish();
  CHECK_FALSE(sys::send_signal(*pidfd, SIGTERM));
}

TEST_CASE("the kernel tells no status while a process lives", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) { return sleep_for_ever(); }};
  const auto pidfd = sys::open_pidfd(child.pid());
  REQUIRE(pidfd);
  CHECK_FALSE(sys::exit_status_of(*pidfd));
}

TEST_CASE("the kernel tells the status of a process that was reaped, where it can", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int report) {
    char byte = 0;
    procrun::test::say(report, "up\n");
    (void)byte;
    ::kill(::getpid(), SIGSTOP);
    return 7;
  }};
  const auto pidfd = sys::open_pidfd(child.pid());
  REQUIRE(pidfd);
  REQUIRE(child.line() == "up");
  int status = 0;
  REQUIRE(::waitpid(child.pid(), &status, WUNTRACED) == child.pid());
  ::kill(child.pid(), SIGCONT);
  CHECK(child.finish().exited(7));
  if (const auto told = sys::exit_status_of(*pidfd)) CHECK(WEXITSTATUS(*told) == 7);
}

TEST_CASE("the end of a process and its reaping are told apart", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  const pid_t pid = ::fork();
  if (pid == 0) sleep_for_ever();
  const auto pidfd = sys::open_pidfd(pid);
  REQUIRE(pidfd);
  CHECK_FALSE(sys::is_reaped(*pidfd));
  ::kill(pid, SIGKILL);
  REQUIRE(procrun::test::readable(pidfd->get(), procrun::test::in_seconds(10)));
  CHECK_FALSE(sys::is_reaped(*pidfd));
  ::waitpid(pid, nullptr, 0);
  CHECK(sys::is_reaped(*pidfd));
}

TEST_CASE("a process that may not be signalled is not taken for reaped", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  if (::geteuid() != 0) {
    WARN("skipped: only root can be two users");
    return;
  }
  const pid_t root = ::getpid();
  const auto end = in_child([root](int) {
    const auto pidfd = sys::open_pidfd(root);
    if (::setresuid(65534, 65534, 65534) == -1) return 2;
    return pidfd && !sys::is_reaped(*pidfd) ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("the number of a thread is no process", "[pidfd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  const auto end = in_child([](int) {
    bool none = false;
    std::thread{[&] { none = !sys::open_pidfd(static_cast<pid_t>(::syscall(SYS_gettid))); }}.join();
    return none ? 0 : 1;
  });
  CHECK(end.exited(0));
}
