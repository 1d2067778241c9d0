#pragma once
// fork, wait and waitpid, in Python's shape: the floor that everything else stands on.
#include <sys/types.h>

#include "process/exit_status.h"

namespace procrun {

/// What wait and waitpid bring: which child, and how it is. pid 0: with WNOHANG, none yet.
struct Waited {
  pid_t pid = 0;
  ExitStatus status;
};

/// Returns twice: 0 in the child, the child's pid in the parent. Writes out what stdio has
/// buffered first, or both processes would. Throws std::system_error (EAGAIN, ENOMEM).
/// The copy has the calling thread only: legal between threads only if it soon calls exec.
pid_t fork();

/// Waits until any child ends, and reaps it. Blocks. Throws std::system_error (ECHILD) when there
/// is none. It may take the status of a Child or a Process: do not mix the two in one program.
Waited wait();

/// waitpid(2): pid > 0 that child, -1 any, 0 any of our process group, -G any of group G; options
/// WNOHANG, WUNTRACED, WCONTINUED. Blocks without WNOHANG. Throws std::system_error (ECHILD).
Waited waitpid(pid_t pid, int options = 0);

/// Writes out what stdio (and so fmt::print and std::printf) has buffered.
void flush_output() noexcept;

/// Ends this process at once, as a forked child must: without the destructors and exit handlers
/// that belong to its parent. Writes out stdio first.
[[noreturn]] void leave(int code) noexcept;

}  // namespace procrun
