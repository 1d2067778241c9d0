#pragma once
// A process that need not be our child: watched through its pidfd.
#include <sys/types.h>

#include <optional>

#include "process/exit_status.h"
#include "sys/fd.h"
#include "sys/pidfd.h"
#include "sys/proc.h"
#include "sys/process_id.h"

namespace procrun {

/// Names one process for good; what becomes of it can be seen, but it is not ours to reap unless it
/// happens to be our child.
class Stranger {
 public:
  /// Empty where there is no process with that number.
  static std::optional<Stranger> find(pid_t pid);
  /// That very process; empty where it has been reaped, or cannot be told from another.
  static std::optional<Stranger> find(const sys::ProcessId& id);

  pid_t pid() const noexcept { return pid_; }
  /// POLLIN once it has ended, POLLHUP once it has been reaped too.
  int pidfd() const noexcept { return pidfd_.get(); }

  /// The number of its pidfd's inode, which no other process gets before the next boot. Empty where
  /// pidfds have no inodes of their own (before Linux 6.9); those kernels do not tell a poll of a
  /// pidfd of the reaping (POLLHUP) either.
  std::optional<std::uint64_t> inode() const;

  /// How it ended, where that can be known by now: our own child is reaped for it; of others the
  /// kernel tells from Linux 6.15 on, once they have been reaped, and of a zombie /proc tells those
  /// who may inspect it. Never blocks, never guesses.
  std::optional<ExitStatus> status();
  /// What /proc says of it now; empty once it has been reaped.
  std::optional<sys::ProcessStat> stat() const;
  /// The same while it is a zombie: ended, and not reaped by its parent.
  std::optional<sys::ProcessStat> as_zombie() const;
  /// Whether all its threads have ended. Never blocks.
  bool has_ended() const { return sys::has_ended(pidfd_); }
  bool is_reaped() const { return sys::is_reaped(pidfd_); }

  /// Sends it a signal; false when it is gone. Throws std::system_error otherwise (EPERM).
  bool send(int signal) const { return sys::send_signal(pidfd_, signal); }

 private:
  Stranger(pid_t pid, sys::Fd pidfd) : pid_{pid}, pidfd_{std::move(pidfd)} {}

  pid_t pid_;
  sys::Fd pidfd_;
  std::optional<ExitStatus> status_;
};

}  // namespace procrun
