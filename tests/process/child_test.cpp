#include "process/child.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <stdexcept>
#include <system_error>

#include "process/fork.h"
#include "process/forked.h"
#include "support.h"

using namespace std::chrono_literals;
using procrun::Child;
using procrun::sys::Clock;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;

namespace {

Child child_that_exits(int code) {
  const pid_t pid = procrun::fork();
  if (pid == 0) ::_exit(code);
  return Child{pid};
}

Child child_that_sleeps() {
  const pid_t pid = procrun::fork();
  while (pid == 0) ::pause();
  return Child{pid};
}

bool is_our_child(pid_t pid) { return ::waitpid(pid, nullptr, WNOHANG) == 0; }

}  // namespace

TEST_CASE("a child that was waited for tells its status again", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_exits(3);
  CHECK(child.wait().code() == 3);
  CHECK(child.wait().code() == 3);
  CHECK(child.try_wait()->code() == 3);
  CHECK(child.wait_until(Clock::now())->code() == 3);
  CHECK_FALSE(child.running());
}

TEST_CASE("trying to wait for a running child does not block", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_sleeps();
  CHECK_FALSE(child.try_wait());
  CHECK(child.running());
}

TEST_CASE("a wait with a deadline ends at it while the child runs", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_sleeps();
  const auto deadline = Clock::now() + 20ms;
  CHECK_FALSE(child.wait_until(deadline));
  CHECK(Clock::now() >= deadline);
  child.send(SIGTERM);
  CHECK(child.wait_until(Clock::now() + 10s)->term_signal() == SIGTERM);
}

TEST_CASE("a child's end can be waited for on its pidfd", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_exits(0);
  CHECK(procrun::test::readable(child.pidfd(), procrun::test::in_seconds(10)));
  CHECK(child.try_wait());
  CHECK(child.pidfd() == -1);
}

TEST_CASE("a signal to a running child is sent", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_sleeps();
  CHECK(child.send(SIGUSR2));
  CHECK(child.wait().term_signal() == SIGUSR2);
}

TEST_CASE("T9: a signal to a child that was reaped goes nowhere", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_exits(0);
  child.wait();
  CHECK_FALSE(child.send(SIGKILL));
}

TEST_CASE("a child that is still there when its owner goes is killed and reaped", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  pid_t pid = 0;
  {
    const Child child = child_that_sleeps();
    pid = child.pid();
    CHECK(is_our_child(pid));
  }
  CHECK_FALSE(is_our_child(pid));
}

TEST_CASE("a child that has ended leaves no zombie when its owner goes", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const Child child = child_that_exits(0);
  CHECK(procrun::test::ends(child.pid()));
}

TEST_CASE("a moved child has one owner", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child first = child_that_sleeps();
  const pid_t pid = first.pid();
  Child second = std::move(first);
  CHECK(first.pid() == 0);  // NOLINT(bugprone-use-after-move): what is left is the promise
  CHECK(second.pid() == pid);
  CHECK(is_our_child(pid));
}

TEST_CASE("a child that another is assigned to is killed and reaped first", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_sleeps();
  const pid_t old = child.pid();
  child = child_that_sleeps();
  CHECK_FALSE(is_our_child(old));
  CHECK(is_our_child(child.pid()));
}

TEST_CASE("waiting for no child is misuse", "[child]") {
  Child none;
  CHECK_THROWS_AS(none.wait(), std::logic_error);
  CHECK_THROWS_AS(none.try_wait(), std::logic_error);
  CHECK_FALSE(none.send(SIGTERM));
  CHECK_FALSE(none.running());
}

TEST_CASE("a forked copy of a child's owner does not end the child", "[child]") {
  const NoChildLeft guard;
  Child child = child_that_sleeps();
  const auto end = in_child([&](int) {
    { const Child copy = std::move(child); }
    return 0;
  });
  CHECK(end.exited(0));
  CHECK(child.running());
  CHECK_FALSE(child.try_wait());
}

TEST_CASE("a forked copy of a child's owner cannot wait for the child", "[child]") {
  const NoChildLeft guard;
  Child child = child_that_exits(0);
  const auto end = in_child([&](int) {
    try {
      child.wait();
    } catch (const std::logic_error&) {
      return 0;
    }
    return 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("a forked copy of a child's owner does not signal the child", "[child]") {
  const NoChildLeft guard;
  Child child = child_that_sleeps();
  (void)in_child([&](int) {
    try {
      return child.send(SIGKILL) ? 1 : 0;
    } catch (const std::logic_error&) {
      return 0;
    }
  });
  CHECK_FALSE(child.wait_until(Clock::now() + 50ms));
}

TEST_CASE("a forked copy of a child's owner does not wait for a deadline either", "[child]") {
  const NoChildLeft guard;
  Child child = child_that_sleeps();
  const auto end = in_child([&](int) {
    try {
      (void)child.wait_until(Clock::now() + 5ms);
    } catch (const std::logic_error&) {
      return 0;
    }
    return 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("T5: a child whose status somebody else took is an error, not a hang", "[child]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Child child = child_that_exits(0);
  CHECK(procrun::wait().pid == child.pid());
  CHECK_THROWS_AS(child.wait(), std::system_error);
}
