// A process that is written down is found again, and no other is taken for it.
#include "sys/process_id.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support.h"
#include "sys/proc.h"

namespace procrun::test {
namespace {

pid_t sleeper() {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  for (;;) ::pause();
}

void end(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

}  // namespace

TEST_CASE("a process is found again by what identify told of it, until it is reaped", "[sys]") {
  const NoChildLeft guard;
  const SameOpenFds fds;
  const pid_t pid = sleeper();
  const sys::ProcessId id = sys::identify(pid);
  CHECK(id.pid == pid);
  CHECK(id.start_time == sys::process_stat(pid)->start_time);
  CHECK(sys::is_alive(id));
  ::kill(pid, SIGKILL);
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOWAIT);
  CHECK(sys::open_process(id));  // a zombie is there, but not alive
  CHECK_FALSE(sys::is_alive(id));
  end(pid);
  CHECK_FALSE(sys::open_process(id));
}

TEST_CASE("T9: a later process of the same number is not taken for the one written down", "[sys]") {
  const NoChildLeft guard;
  const pid_t pid = sleeper();
  const sys::ProcessId id = sys::identify(pid);
  SECTION("it has another start time") {
    CHECK(sys::is_alive({pid, id.start_time, 0}));
    CHECK_FALSE(sys::open_process({pid, id.start_time + 1, 0}));
  }
  SECTION("its pidfd has another inode") {
    if (id.inode == 0) {
      WARN("skipped: this kernel has one inode for all pidfds");
    } else {
      CHECK(sys::is_alive({pid, 0, id.inode}));
      CHECK_FALSE(sys::open_process({pid, id.start_time, id.inode + 1}));
    }
  }
  SECTION("nothing but the number is known") { CHECK_FALSE(sys::open_process({pid, 0, 0})); }
  SECTION("there is no such number") {
    CHECK_FALSE(sys::open_process({0, id.start_time, id.inode}));
    CHECK_FALSE(sys::open_process({-1, id.start_time, id.inode}));
  }
  end(pid);
}

TEST_CASE("the boot and the pid namespace have names that last", "[sys]") {
  CHECK(sys::boot_id().size() == 36);
  CHECK(sys::boot_id() == sys::boot_id());
  CHECK(sys::pid_namespace().starts_with("pid:["));
}

}  // namespace procrun::test
