#pragma once
// A process that need not be our child: watched through its pidfd.
#include <sys/types.h>

#include <optional>

#include "process/exit_status.h"
#include "sys/fd.h"
#include "sys/proc.h"

namespace procrun {

/// Names one process for good; what becomes of it can be seen, but it is not ours to reap unless it
/// happens to be our child.
class Stranger {
 public:
  /// Empty where there is no process with that number.
  static std::optional<Stranger> find(pid_t pid);

  pid_t pid() const noexcept { return pid_; }
  /// POLLIN once it has ended, POLLHUP once it has been reaped too.
  int pidfd() const noexcept { return pidfd_.get(); }

  /// How it ended, where that can be known by now: our own child is reaped for it; of others the
  /// kernel tells from Linux 6.15 on, once they have been reaped. Never blocks.
  std::optional<ExitStatus> status();
  /// What the kernel shows of it while it is a zombie: ended, and not reaped by its parent.
  std::optional<sys::ProcessStat> as_zombie() const;

 private:
  Stranger(pid_t pid, sys::Fd pidfd) : pid_{pid}, pidfd_{std::move(pidfd)} {}

  pid_t pid_;
  sys::Fd pidfd_;
  std::optional<ExitStatus> status_;
};

}  // namespace procrun
