#pragma once
// What names one process for good, so that it can be written down and found again.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "sys/fd.h"

namespace procrun::sys {

/// A process on this boot of the machine, in this pid namespace. What the kernel does not tell is
/// 0; with neither start time nor inode it cannot be told from a later process of its number.
struct ProcessId {
  pid_t pid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot (proc(5))
  std::uint64_t inode = 0;       // of its pidfd, given to no other until the next boot (Linux 6.9)
  bool operator==(const ProcessId&) const = default;
};

/// Names `pid`, which the caller knows not to be reaped: itself, its parent or its own child.
ProcessId identify(pid_t pid);

/// The inode of a pidfd; 0 where the kernel has one for all of them (before Linux 6.9).
std::uint64_t pidfd_inode(const Fd& pidfd);

/// A pidfd of that very process, ended or not; empty where it has been reaped, or cannot be told
/// from another.
std::optional<Fd> open_process(const ProcessId& id);

/// Whether it has ended, reaped or not. Never blocks.
bool has_ended(const Fd& pidfd);
/// Whether that very process is there and has not ended.
bool is_alive(const ProcessId& id);

/// Names this boot of the machine; empty where /proc does not tell.
std::string boot_id();
/// Names the pid namespace in which our pids count ("pid:[4026531836]"); empty likewise.
std::string pid_namespace();

}  // namespace procrun::sys
