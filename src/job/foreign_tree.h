#pragma once
// The tree below a process that is not ours, to be ended from outside.
#include <sys/types.h>

#include <map>
#include <optional>

#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/process_id.h"

namespace procrun::job {

/// All that descends from one process. Where that is a subreaper, like the supervisor of `fork`,
/// nobody gets away. Members are signalled through pidfds, so that no number that was given away
/// meanwhile is hit.
class ForeignTree {
 public:
  enum class Root {
    Spared,    // it is not a member, and goes by itself when all members are gone
    Included,  // it is one: its orphans are remembered, as far as they were seen
  };

  /// Throws std::runtime_error where /proc does not show our pid namespace.
  ForeignTree(const sys::ProcessId& root, Root what);

  /// Sends `signal` once to each member, and lets those go on that are stopped.
  void signal(int signal);
  /// Kills all: stops them until no new one appears, then sends KILL.
  void kill();
  /// Whether all are gone, and the root. Blocks until then, up to `deadline`.
  bool wait_until_gone(const sys::Deadline& deadline);
  /// Somebody may not be signalled by us (EPERM).
  bool refused() const noexcept { return refused_; }

 private:
  bool look();
  bool add(pid_t pid, pid_t parent);
  void send(const sys::Fd& pidfd, int signal);

  pid_t root_;
  Root what_;
  std::optional<sys::Fd> root_pidfd_;
  std::map<pid_t, sys::Fd> members_;
  bool refused_ = false;
};

}  // namespace procrun::job
