#pragma once
// The children of a lesson whose parent is this very process: what becomes of them is seen before
// they are waited for, and none is left when the lesson is told to end.
#include <functional>
#include <set>
#include <vector>

#include "cmd/chronicle.h"
#include "cmd/ending_signals.h"
#include "process/fork.h"
#include "sys/signals.h"

namespace procrun::cmd {

/// Borrows both. There are to be no other children of this process.
class Family {
 public:
  Family(Chronicle& chronicle, EndingSignals& signals);
  /// Kills those that are left, and reaps them.
  ~Family();
  Family(const Family&) = delete;
  Family& operator=(const Family&) = delete;

  /// Forks a child that leaves with the code that `part` returns, and dies when we do.
  pid_t fork(const std::function<int()>& part);
  /// Sleeps until waitpid() would not. Who ends meanwhile and is not asked for is a zombie by then.
  /// Throws Interrupted.
  void await(pid_t pid, int options = 0);
  /// As procrun::waitpid(). Throws Interrupted.
  Waited waitpid(pid_t pid, int options = 0);
  void say(const std::string& line) { signals_.say(line); }

 private:
  void note_zombies(pid_t but);

  Chronicle& chronicle_;
  EndingSignals& signals_;
  sigset_t old_mask_{};
  sys::SignalFd news_;  // of children: SIGCHLD
  std::vector<pid_t> children_;
  std::set<pid_t> zombies_;  // those that were seen as such
};

}  // namespace procrun::cmd
