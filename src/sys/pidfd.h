#pragma once
// A pidfd names one process for good; its number may be another process's by tomorrow.
#include <sys/types.h>

#include <optional>

#include "sys/fd.h"

namespace procrun::sys {

/// pidfd_open(2). Safe from reuse of the number only while the caller knows the process to be
/// unreaped (its own child), or checks its identity afterwards. Empty where there is no such pid,
/// or it is a thread's that is not its process's first.
std::optional<Fd> open_pidfd(pid_t pid);

/// pidfd_send_signal(2); false when the process is gone. Throws otherwise (EPERM).
bool send_signal(const Fd& pidfd, int signal);

/// The raw wait status of a process that has ended, child or not (PIDFD_GET_INFO with
/// PIDFD_INFO_EXIT, Linux 6.15); the pidfd must have been opened before it was reaped, and the
/// kernel tells only after that. Empty where the kernel does not tell, or not yet.
std::optional<int> exit_status_of(const Fd& pidfd);

/// Whether its process is no more: it has ended, and was reaped.
bool is_reaped(const Fd& pidfd);

/// The parent of a process that has not been reaped (PIDFD_GET_INFO, Linux 6.13); 0: one outside of
/// our pid namespace. Empty where the kernel does not tell.
std::optional<pid_t> parent_of(const Fd& pidfd);

}  // namespace procrun::sys
