#pragma once
// The stop plan at work: a signal after the other, from a word to KILL.
#include <sys/types.h>

#include <utility>
#include <vector>

#include "job/job.h"
#include "job/tree.h"

namespace procrun::job {

/// Carries a plan out, step by step, on all that descends from this process, or on one process.
class Stop {
 public:
  bool begun() const noexcept { return !plan_.empty(); }
  /// Takes the first step of `plan`, after which wait() is to pass before next(). Where
  /// `group_has_it`, those in our own process group have the first signal already. `alone` > 0:
  /// only that process, an unreaped child, is signalled.
  void begin(StopPlan plan, bool group_has_it, pid_t alone);
  /// Takes the next step; the last one is repeated, since who was just being born escaped it.
  void next();
  sys::Duration wait() const;
  /// To be called when somebody has ended meanwhile: its orphans that have missed the signal get
  /// it.
  void tell_newcomers();

  int signal() const { return plan_.at(step_).signal; }
  bool killing() const { return begun() && signal() == SIGKILL; }
  /// Who may not be signalled by us (EPERM) at the last step.
  const std::vector<pid_t>& refused() const noexcept { return told_.refused; }
  /// Who was still there when KILL came at the last step, told once.
  std::vector<Killed> take_killed() { return std::exchange(killed_, {}); }

 private:
  void step(bool group_has_it);

  StopPlan plan_;
  std::size_t step_ = 0;
  pid_t alone_ = 0;
  Told told_;  // at this step
  std::vector<Killed> killed_;
};

}  // namespace procrun::job
