#include "cmd/lock.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "process/child.h"
#include "process/fork.h"
#include "sys/error.h"

namespace procrun::cmd {

bool lock_file(const sys::Fd& file, const sys::Deadline& deadline) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) sys::fail("lock a file");
  // The lock belongs to the open file, not to a process: a child waits for it in our place, so that
  // our wait can have a deadline.
  const pid_t waiter = ::getpid();
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    leave(::getppid() == waiter && ::flock(file.get(), LOCK_EX) == 0 ? 0 : 1);
  }
  Child child{pid};
  const auto status = child.wait_until(deadline);
  return status && status->success();
}

}  // namespace procrun::cmd
