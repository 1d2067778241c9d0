#pragma once
// A started child until it is reaped.
#include <sys/types.h>

#include <optional>

#include "process/exit_status.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace procrun {

/// Owns the reaping of one child process, which it names by a pidfd. Leaves no zombie: one that is
/// still there when its owner goes is killed and reaped. In a forked copy of the owner (another
/// pid) it does nothing at all.
class Child {
 public:
  Child() noexcept = default;
  /// Takes over `pid`, an unreaped child of ours; with `pidfd` if the caller has one already.
  explicit Child(pid_t pid, sys::Fd pidfd = {});
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();

  pid_t pid() const noexcept { return pid_; }
  /// Readable (POLLIN) once the child has ended; -1 when it has been reaped.
  int pidfd() const noexcept { return pidfd_.get(); }
  bool running() const noexcept { return pid_ > 0 && !status_; }

  /// Waits for its end and reaps it; a status that is known is told again. Blocks.
  ExitStatus wait();
  /// The same, up to `deadline`; empty if it has not ended by then.
  std::optional<ExitStatus> wait_until(const sys::Deadline& deadline);
  /// The status if the child has ended. Never blocks.
  std::optional<ExitStatus> try_wait();
  /// Gives it up: somebody else reaps it, or init does. The Child is empty then.
  pid_t release() noexcept;
  /// Sends `signal` through the pidfd; false when it has ended already, and in a forked copy.
  bool send(int signal);

 private:
  std::optional<ExitStatus> reap(int options);
  void end() noexcept;

  pid_t pid_ = 0;
  pid_t owner_ = 0;
  sys::Fd pidfd_;
  std::optional<ExitStatus> status_;
};

}  // namespace procrun
