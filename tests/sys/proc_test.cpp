#include "sys/proc.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::reaped;
using procrun::test::SameOpenFds;
using procrun::test::say;

namespace {

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

/// A child that has a child, both asleep; its report is the grandchild's pid.
ForkedChild two_generations() {
  return ForkedChild{[](int report) -> int {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) sleep_for_ever();
    say(report, std::to_string(grandchild) + "\n");
    sleep_for_ever();
  }};
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  CHECK(reaped(pid).has_value());
}

}  // namespace

TEST_CASE("the kernel's record of ourselves is read right", "[proc]") {
  const SameOpenFds guard;
  const auto stat = sys::process_stat(::getpid());
  REQUIRE(stat);
  CHECK(stat->pid == ::getpid());
  CHECK(stat->ppid == ::getppid());
  CHECK(stat->pgid == ::getpgrp());
  CHECK(stat->sid == ::getsid(0));
  CHECK(stat->state == 'R');
  CHECK(stat->start_time > 0);
}

TEST_CASE("a process whose name holds blanks and parentheses is read right", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int report) -> int {
    ::prctl(PR_SET_NAME, ") S 1 (a b) R");
    say(report, "named\n");
    sleep_for_ever();
  }};
  REQUIRE(child.line() == "named");
  const auto stat = sys::process_stat(child.pid());
  REQUIRE(stat);
  CHECK(stat->name == ") S 1 (a b) R");
  CHECK(stat->ppid == ::getpid());
}

TEST_CASE("a process that is no more has no record", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  pid_t pid = 0;
  {
    ForkedChild child{[](int) { return 0; }};
    pid = child.pid();
    (void)child.finish();
  }
  CHECK_FALSE(sys::process_stat(pid));
}

TEST_CASE("a child that ended and was not waited for is a zombie", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) { return 0; }};
  REQUIRE(procrun::test::ends(child.pid()));
  const auto stat = sys::process_stat(child.pid());
  REQUIRE(stat);
  CHECK(stat->state == 'Z');
  CHECK(sys::command_of(child.pid()) == "[" + stat->name + "]");
}

TEST_CASE("two processes that had the same number would differ in their start time", "[proc]") {
  const NoChildLeft child_guard;
  ForkedChild child{[](int) -> int { sleep_for_ever(); }};
  const auto first = sys::process_stat(child.pid());
  const auto again = sys::process_stat(child.pid());
  REQUIRE((first && again));
  CHECK(first->start_time == again->start_time);
  CHECK(first->start_time >= sys::process_stat(::getpid())->start_time);
}

TEST_CASE("all descendants are found, parents before their children", "[proc]") {
  const NoChildLeft child_guard;
  const NoDescendantLeft guard;
  const SameOpenFds fd_guard;
  pid_t grandchild = 0;
  {
    auto child = two_generations();
    grandchild = child.number();
    const auto kin = sys::descendants_of(::getpid());
    REQUIRE(kin.size() == 2);
    CHECK(kin[0].pid == child.pid());
    CHECK(kin[0].parent == ::getpid());
    CHECK(kin[1].pid == grandchild);
    CHECK(kin[1].parent == child.pid());
  }
  kill_and_reap(grandchild);
}

TEST_CASE("a descendant that is skipped is left out with all below it", "[proc]") {
  const NoChildLeft child_guard;
  const NoDescendantLeft guard;
  pid_t grandchild = 0;
  {
    auto child = two_generations();
    auto other = ForkedChild{[](int) -> int { sleep_for_ever(); }};
    grandchild = child.number();
    const auto kin = sys::descendants_of(::getpid(), [&](pid_t pid) { return pid == child.pid(); });
    REQUIRE(kin.size() == 1);
    CHECK(kin[0].pid == other.pid());
  }
  kill_and_reap(grandchild);
}

TEST_CASE("a process without children has no descendants", "[proc]") {
  const NoChildLeft child_guard;
  CHECK(sys::descendants_of(::getpid()).empty());
}

TEST_CASE("a command is told by its arguments, in one line", "[proc]") {
  const NoChildLeft child_guard;
  const NoDescendantLeft guard;
  const auto child = procrun::test::start({"sleep", "60"});
  CHECK(sys::command_of(child.pid()) == "sleep 60");
}

TEST_CASE("a long command is cut and control characters are blanked", "[proc]") {
  const NoChildLeft child_guard;
  const NoDescendantLeft guard;
  const auto child = procrun::test::start(
      {"sh", "-c", "read line", "a\nb\tc\033", std::string(200, 'x')}, {.keep_stdin_open = true});
  const std::string text = sys::command_of(child.pid());
  CHECK(text.size() == 80);
  CHECK(text.starts_with("sh -c read line a b c  xxx"));
  CHECK(text.ends_with("x..."));
}

TEST_CASE("how a zombie ended is read where it may be inspected", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  const int wanted = GENERATE(0, 3, 255, -SIGKILL);
  CAPTURE(wanted);
  ForkedChild child{[wanted](int) {
    if (wanted < 0) ::raise(-wanted);
    return wanted;
  }};
  REQUIRE(procrun::test::ends(child.pid()));
  const auto word = sys::zombie_status(child.pid());
  CHECK(word == child.finish().status);
}

TEST_CASE("a process that runs has not ended in any way", "[proc]") {
  const NoChildLeft child_guard;
  CHECK_FALSE(sys::zombie_status(::getpid()));
}

TEST_CASE("how a zombie ended that may not be inspected is not taken for code 0", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  if (::geteuid() != 0) {
    WARN("skipped: only root can be two users");
    return;
  }
  ForkedChild zombie{[](int) { return 0; }};
  REQUIRE(procrun::test::ends(zombie.pid()));
  const auto end = in_child([pid = zombie.pid()](int) {
    if (::setresuid(65534, 65534, 65534) == -1) return 2;
    const auto stat = sys::process_stat(pid);
    return stat && stat->state == 'Z' && !sys::zombie_status(pid) ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("among all processes are we and our children", "[proc]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  ForkedChild child{[](int) -> int { sleep_for_ever(); }};
  int found = 0;
  for (const auto& stat : sys::all_processes()) {
    const auto alone = sys::process_stat(stat.pid);
    if (stat.pid == ::getpid() && stat.name == alone->name) ++found;
    if (stat.pid == child.pid() && stat.ppid == ::getpid()) ++found;
  }
  CHECK(found == 2);
}

TEST_CASE("the newest number is another one when somebody has forked", "[proc]") {
  const NoChildLeft child_guard;
  const pid_t before = sys::newest_number();
  CHECK(before > 0);
  ForkedChild child{[](int) { return 0; }};
  CHECK(sys::newest_number() != before);
}
