#pragma once
// A program with its arguments, environment and place: everything decided before the child is born.
#include <sys/types.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "process/child.h"
#include "process/exec_child.h"
#include "sys/signals.h"

namespace procrun {

/// A child that never became the program: which step failed, and why.
class SpawnError : public std::runtime_error {
 public:
  /// `limit`: the one that was met, if that is known.
  SpawnError(SpawnStep step, int error, const std::string& program, const std::string& directory,
             const std::string& limit = {});
  SpawnStep step() const noexcept { return step_; }
  int error() const noexcept { return error_; }
  /// As env(1): 127 not found, 126 found but not executable, 125 anything before the exec.
  int exit_code() const noexcept;

 private:
  SpawnStep step_;
  int error_;
};

/// What to execute, and with what. Descriptors are borrowed until spawn() returns.
struct Command {
  using Group = ExecPlan::Group;

  /// argv[0] is looked up in PATH unless it has a slash, then from `directory`.
  std::vector<std::string> argv;
  /// "K=V" for the whole environment; empty: ours.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// The same where several commands share it: borrowed, and counts before `env`; null: none.
  const std::vector<std::string>* shared_env = nullptr;
  /// "K=V" besides that, of names that are not among it; a zero byte behind each.
  std::string extra_env = {};
  /// Where it starts; empty: where we are.
  std::string directory = {};
  /// Its standard descriptors; -1: ours. Others of ours reach it unless they are close-on-exec.
  int in = -1;
  int out = -1;
  int err = -1;
  Group group = Group::Same;
  /// A terminal that a group or session of its own takes; borrowed; -1: none. A group of its own is
  /// in the foreground from its first instruction on.
  int terminal = -1;
  /// Descriptors from 3 on do not reach it, close-on-exec or not; but those named in `kept`.
  bool close_others = false;
  std::vector<int> kept = {};
  /// Limits, processors, niceness, user and so on; borrowed; null: as we have them.
  const Place* place = nullptr;
  /// The signal it gets when this process (the thread that calls spawn) dies; 0: none.
  int parent_death_signal = 0;
  /// The signal mask and ignored signals it starts with, and the handlers that it must not run
  /// before its exec; empty: ours, looked up at every start.
  std::optional<sys::SignalState> signals = std::nullopt;
  /// The caller has all signals blocked (sys::all_signals()) already: two system calls less.
  bool signals_are_blocked = false;

  /// Starts it and returns once the exec has succeeded. Throws SpawnError where it cannot, after
  /// trying a few times within a second while the machine is short of processes (EAGAIN) or the
  /// program is still being written (ETXTBSY); std::logic_error for an empty argv.
  Child spawn() const;

  /// The same without a pidfd: for a caller that reaps all its children itself.
  pid_t start() const;

 private:
  pid_t start(int* pidfd) const;
  std::vector<char*> environment() const;
};

}  // namespace procrun
