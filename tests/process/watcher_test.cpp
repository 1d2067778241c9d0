#include "process/watcher.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"
#include "sys/pidfd.h"

using procrun::Watcher;
using procrun::test::ForkedChild;
using procrun::test::in_seconds;
using procrun::test::NoChildLeft;
using procrun::test::readable;
using procrun::test::SameOpenFds;

namespace {

void await_byte(const procrun::sys::Pipe& pipe) {
  char byte = 0;
  while (::read(pipe.read.get(), &byte, 1) == -1 && errno == EINTR) {
  }
}

}  // namespace

TEST_CASE("a watcher sees a running process with its parent and its memory", "[watcher]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const auto end = procrun::sys::make_pipe();
  ForkedChild child{[&](int) {
    await_byte(end);
    return 0;
  }};
  const Watcher watcher{child.pid()};
  const auto sight = watcher.look();
  CHECK_FALSE(sight.ended);
  CHECK_FALSE(sight.reaped);
  REQUIRE(sight.status);
  CHECK(sight.ppid == ::getpid());
  CHECK(sight.status->ppid == ::getpid());
  CHECK(sight.status->resident.ends_with(" kB"));
  CHECK_FALSE(watcher.status());
  procrun::test::say(end.write.get(), "x");
  CHECK(child.finish().exited(0));
}

TEST_CASE("a watcher sees a zombie, does not reap it, and learns its end when another has",
          "[watcher]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(7);
  const Watcher watcher{pid};
  REQUIRE(readable(watcher.pidfd(), in_seconds(10)));
  const auto sight = watcher.look();
  CHECK(sight.ended);
  CHECK_FALSE(sight.reaped);
  REQUIRE(sight.status);
  CHECK(sight.status->state == "Z (zombie)");
  CHECK(sight.status->resident == "");
  CHECK_FALSE(watcher.status());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(watcher.is_reaped());
  CHECK(watcher.look().reaped);
  CHECK_FALSE(watcher.look().status);
  if (const auto told = watcher.status()) CHECK(told->raw() == status);  // from Linux 6.15 on
}

TEST_CASE("there is no watching of a process that is no more", "[watcher]") {
  const NoChildLeft guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK_THROWS_AS(Watcher{pid}, std::system_error);
}

TEST_CASE("a pidfd tells the parent of a process until it is reaped", "[watcher]") {
  const NoChildLeft guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  const auto pidfd = procrun::sys::open_pidfd(pid);
  REQUIRE(pidfd);
  const auto parent = procrun::sys::parent_of(*pidfd);
  if (parent) CHECK(*parent == ::getpid());  // from Linux 6.13 on
  CHECK_FALSE(procrun::sys::is_reaped(*pidfd));
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
  CHECK_FALSE(procrun::sys::parent_of(*pidfd));
  CHECK(procrun::sys::is_reaped(*pidfd));
}
