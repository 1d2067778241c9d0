#include "process/fork.h"

#include <unistd.h>

#include <cstdio>

#include "sys/error.h"

namespace procrun {

pid_t fork() {
  flush_output();
  const pid_t pid = ::fork();
  if (pid == -1) sys::fail("fork");
  return pid;
}

Waited wait() { return waitpid(-1); }

Waited waitpid(pid_t pid, int options) {
  int status = 0;
  const pid_t found = sys::retry("waitpid", [&] { return ::waitpid(pid, &status, options); });
  return {found, ExitStatus{status}};
}

void flush_output() noexcept { std::fflush(nullptr); }

void leave(int code) noexcept {
  flush_output();
  ::_exit(code);
}

}  // namespace procrun
