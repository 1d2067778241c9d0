#pragma once
// One who looks on and takes no part: it neither reaps nor signals, and tells what the kernel says,
// not what was to be expected.
#include <sys/types.h>

#include <optional>

#include "process/exit_status.h"
#include "sys/fd.h"
#include "sys/proc.h"

namespace procrun {

/// What the kernel says of a process at one moment.
struct Sight {
  bool reaped = false;  // it is no more; nothing else is known of it then
  bool ended = false;
  std::optional<sys::ProcessStatus> status = {};  // empty: /proc does not speak of it
  std::optional<pid_t> ppid = {};  // by /proc, else by its pidfd; empty: neither tells
};

/// Watches one process, child or not, which it names by a pidfd.
class Watcher {
 public:
  /// Throws std::system_error where there is no process with that number. The caller knows that it
  /// is the one that is meant: it is unreaped.
  explicit Watcher(pid_t pid);

  pid_t pid() const noexcept { return pid_; }
  /// POLLIN once it has ended; from Linux 6.9 on POLLHUP once it has been reaped, too.
  int pidfd() const noexcept { return pidfd_.get(); }
  Sight look() const;
  bool is_reaped() const;
  /// How it ended, once it has been reaped; empty before that, and below Linux 6.15.
  std::optional<ExitStatus> status() const;

 private:
  pid_t pid_;
  sys::Fd pidfd_;
};

}  // namespace procrun
