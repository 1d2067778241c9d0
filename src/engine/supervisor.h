#pragma once
// The process that stays with a command which was let go.
#include "engine/background.h"
#include "event/event.h"

namespace procrun::engine {

/// Writes the job's record and pidfile as it starts and ends, and tells the one who started it.
class Supervisor {
 public:
  /// The plan is borrowed; `news` is the write end of a pipe for packets.
  Supervisor(BackgroundPlan& plan, sys::Fd news);

  /// Blocks until nothing of the job's tree is left.
  void run();

  /// What happens to the job. Throws where it cannot be written down that the command runs.
  void take(const event::Event& event);
  /// The command runs, and that is written down.
  bool has_started() const noexcept { return started_; }
  /// Passes on what the command says of its readiness.
  void hear_notifications();

 private:
  void started(pid_t pid);
  void ended(int status);
  void let_go_of_inherited();
  void tell(const News& news);

  BackgroundPlan& plan_;
  sys::Fd news_;
  bool started_ = false;
};

}  // namespace procrun::engine
