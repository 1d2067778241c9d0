#pragma once
// Who has the terminal: the one job that runs, or we.
#include <sys/types.h>

#include <utility>

#include "event/event.h"
#include "job/job.h"
#include "sys/tty.h"

namespace procrun::engine {

/// Lends the terminal to one job after the other (Policy::terminal) and takes it back, so that the
/// pool behaves before its shell as the job that stands in the foreground. All signals must be
/// blocked.
class Foreground {
 public:
  explicit Foreground(sys::Terminal terminal) noexcept : terminal_{std::move(terminal)} {}
  int fd() const noexcept { return terminal_.fd(); }

  /// To be called before a job is given. In the background of the terminal it stops our process
  /// group, as it befalls whoever reads there, until a shell brings it to the front. Throws
  /// std::runtime_error where nobody can.
  void prepare();
  /// What is told of the job.
  void note(const event::Event& event) noexcept;
  /// The signal by which the terminal has stopped the job since the last call; 0: it has not.
  int take_stop() noexcept { return std::exchange(stop_, 0); }
  /// The job is to stand still: stops our process group with it, and returns when it goes on, with
  /// the terminal if we have that again. False where nobody could continue us, and the job would
  /// only ask for the terminal again and again.
  bool stand_still(int signal);
  /// The job has ended: the terminal is ours again, with its settings if the job could not put
  /// them back. Returns the signal that was meant for us as well, for it came from the terminal and
  /// the job died of it; 0: none.
  int ended(const job::Outcome& outcome);

 private:
  sys::Terminal terminal_;
  pid_t group_ = 0;  // of the job
  int stop_ = 0;
};

}  // namespace procrun::engine
