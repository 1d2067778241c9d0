#include "process/stranger.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"
#include "sys/fd.h"

using procrun::Stranger;
using procrun::test::ForkedChild;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::readable;
using procrun::test::SameOpenFds;
using procrun::test::say;
namespace sys = procrun::sys;

namespace {

void await_byte(const sys::Pipe& pipe) {
  char byte = 0;
  while (::read(pipe.read.get(), &byte, 1) == -1 && errno == EINTR) {
  }
}

/// A child with a child of its own, a stranger to us. The stranger ends by SIGTERM or, at a byte on
/// `end`, with code 7; its parent reaps it at a byte on `reap`.
struct Family {
  sys::Pipe end = sys::make_pipe();
  sys::Pipe reap = sys::make_pipe();
  ForkedChild parent{[this](int report) {
    const pid_t stranger = ::fork();
    if (stranger == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      await_byte(end);
      ::_exit(7);
    }
    say(report, std::to_string(stranger) + "\n");
    await_byte(reap);
    ::waitpid(stranger, nullptr, 0);
    say(report, "reaped\n");
    return 0;
  }};
  pid_t pid = parent.number();

  void end_it() { say(end.write.get(), "x"); }
  void reap_it() {
    say(reap.write.get(), "x");
    CHECK(parent.line() == "reaped");
    CHECK(parent.finish().exited(0));
  }
};

/// The kernel tells from Linux 6.15 on.
bool kernel_tells() {
  ForkedChild child{[](int) { return 0; }};
  const auto pidfd = sys::Fd{static_cast<int>(::syscall(SYS_pidfd_open, child.pid(), 0))};
  (void)child.finish();
  std::uint64_t info[8] = {1U << 3};
  return ::ioctl(pidfd.get(), _IOWR(0xFF, 11, std::uint64_t[8]), info) == 0 &&
         (info[0] & (1U << 3)) != 0;
}

}  // namespace

TEST_CASE("there is nothing to watch where there is no process", "[stranger]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  ForkedChild child{[](int) { return 0; }};
  const pid_t pid = child.pid();
  (void)child.finish();
  CHECK_FALSE(Stranger::find(pid));
}

TEST_CASE("our own child is reaped when its status is asked for", "[stranger]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(5);
  auto stranger = Stranger::find(pid);
  REQUIRE(stranger);
  REQUIRE(readable(stranger->pidfd(), procrun::test::in_seconds(10)));
  REQUIRE(stranger->status());
  CHECK(stranger->status()->code() == 5);
}

TEST_CASE("a running process has no status yet, and asking does not block", "[stranger]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  Family family;
  auto stranger = Stranger::find(family.pid);
  REQUIRE(stranger);
  CHECK_FALSE(stranger->status());
  CHECK_FALSE(stranger->as_zombie());
  CHECK_FALSE(stranger->has_ended());
  CHECK_FALSE(readable(stranger->pidfd(), procrun::test::in_seconds(0)));
  family.end_it();
  family.reap_it();
}

TEST_CASE("a process that ended and was not reaped is shown as the zombie that it is",
          "[stranger]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  Family family;
  auto stranger = Stranger::find(family.pid);
  REQUIRE(stranger);
  family.end_it();
  REQUIRE(readable(stranger->pidfd(), procrun::test::in_seconds(10)));
  const auto zombie = stranger->as_zombie();
  REQUIRE(zombie);
  CHECK(zombie->ppid == family.parent.pid());
  CHECK(stranger->has_ended());
  CHECK_FALSE(stranger->is_reaped());
  family.reap_it();
  CHECK(stranger->is_reaped());
  CHECK_FALSE(stranger->as_zombie());
}

TEST_CASE("a stranger's status is known once it was reaped, where the kernel tells", "[stranger]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  if (!kernel_tells()) return;
  Family family;
  auto stranger = Stranger::find(family.pid);
  REQUIRE(stranger);
  SECTION("it exited") {
    family.end_it();
    family.reap_it();
    REQUIRE(stranger->status());
    CHECK(stranger->status()->code() == 7);
    CHECK(stranger->status()->code() == 7);
  }
  SECTION("it was killed") {
    ::kill(family.pid, SIGTERM);
    family.reap_it();
    REQUIRE(stranger->status());
    CHECK(stranger->status()->term_signal() == SIGTERM);
  }
}

TEST_CASE("a zombie's status is known before it is reaped, to those who may inspect it",
          "[stranger]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  Family family;
  auto stranger = Stranger::find(family.pid);
  REQUIRE(stranger);
  family.end_it();
  REQUIRE(readable(stranger->pidfd(), procrun::test::in_seconds(10)));
  REQUIRE(stranger->status());
  CHECK(stranger->status()->code() == 7);
  CHECK_FALSE(stranger->is_reaped());
  family.reap_it();
  CHECK(stranger->status()->code() == 7);
}
