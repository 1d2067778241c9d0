#pragma once
// The controlling terminal: which process group stands in its foreground.
#include <sys/types.h>
#include <termios.h>
#include <unistd.h>

#include <optional>

#include "sys/fd.h"

namespace procrun::sys {

/// The controlling terminal of this process. All signals must be blocked while it is used: who asks
/// a terminal for something from its background gets TTOU, and would stop.
class Terminal {
 public:
  /// Empty where this process has none.
  static std::optional<Terminal> controlling();

  /// Close-on-exec; good for tcsetpgrp(3) and for what Command::terminal says.
  int fd() const noexcept { return fd_.get(); }
  /// The process group in the foreground; 0 where it has no number in our pid namespace, -1 where
  /// the terminal does not tell (it has hung up).
  pid_t foreground() const noexcept { return ::tcgetpgrp(fd()); }
  /// Whether our own process group stands in the foreground.
  bool is_ours() const noexcept;

  /// Notes that a command in a process group of its own is about to take the foreground
  /// (Command::terminal), and how the terminal is set now.
  void lend();
  /// Puts `group` in the foreground, for a command that goes on there. False where that is refused.
  bool lend(pid_t group);
  /// Puts our own process group back in the foreground, where a descendant of ours has it, or one
  /// that it was lent to and that is gone. False where somebody else has it by now: a shell above
  /// us that has sent us to the background.
  bool take_back();
  /// Puts the settings back that it had when it was lent first: who was killed could not.
  void restore_settings() const noexcept;

  /// Gives it up, as the leader of our session, so that another session can have it. The signals
  /// that this sends to our group (HUP, CONT) are swallowed.
  void leave();

 private:
  explicit Terminal(Fd fd) noexcept : fd_{std::move(fd)} {}

  Fd fd_;
  bool lent_ = false;
  std::optional<termios> settings_;
};

/// Stops our process group as a terminal does, with a job-control signal, and returns when we have
/// been continued. False where we are not stopped, as with stop_by(). All signals must be blocked.
bool stop_group_by(int signal);

}  // namespace procrun::sys
