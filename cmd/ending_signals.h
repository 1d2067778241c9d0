#pragma once
// The signals that tell a lesson, or waitpid, to end, and what is left to do then.
#include <signal.h>

#include <functional>
#include <string>

#include "cmd/chronicle.h"
#include "sys/clock.h"
#include "sys/signals.h"

namespace procrun::cmd {

/// A signal has told the lesson to end.
struct Interrupted {
  int signal = 0;
};

/// INT, TERM, HUP and QUIT: blocked while it lives, in forked children, too; those that were not
/// ignored are heard while it waits.
class EndingSignals {
 public:
  EndingSignals();
  ~EndingSignals();
  EndingSignals(const EndingSignals&) = delete;
  EndingSignals& operator=(const EndingSignals&) = delete;

  /// Readable when one has come.
  int fd() const noexcept { return signals_.fd(); }
  /// Throws Interrupted if one has come.
  void hear();
  /// Waits for `events` of `fd`; false where they do not come before the deadline. Throws
  /// Interrupted.
  bool wait(int fd, short events, const sys::Deadline& deadline = {});
  /// Prints a line. Throws Interrupted while nobody reads our stdout.
  void say(const std::string& line);

  /// In a forked child: it does not hear them. And: it treats them as we did before.
  void close() noexcept { signals_.close(); }
  void restore() noexcept;

 private:
  sigset_t ending_;
  sigset_t old_mask_{};
  sys::SignalFd signals_;
};

/// Does its `part` until that returns or a signal tells it to end, which is returned; 0: none. When
/// it returns, signals end us again.
int until_told(const std::function<void(EndingSignals&)>& part);

/// Plays `story` from the chronicle's begin to its end, and returns its code. Told to end by a
/// signal it dies of that, when the story has cleaned up behind itself and what there is by then is
/// drawn.
int play_until_told(Chronicle& chronicle, const std::function<int(EndingSignals&)>& story);

}  // namespace procrun::cmd
