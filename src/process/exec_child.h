#pragma once
// The child between its birth and execve(2): the one place where that code lives, and its law.
#include <signal.h>
#include <sys/types.h>

#include <cstdint>

namespace procrun {

/// What a child does before it becomes the program; each can fail.
enum class SpawnStep : std::uint8_t { Start, Signals, Group, ParentDeath, Stdio, Directory, Exec };

/// All that a child needs, laid out before it is born, so that it only reads memory. It shares
/// that memory with its parent, which sleeps meanwhile, and reports a failure through it.
struct ExecPlan {
  enum class Group : std::uint8_t { Same, Own, Session };

  char* const* candidates = nullptr;  // the program's possible paths, in order; null-terminated
  char* const* argv = nullptr;
  char** script_argv = nullptr;  // sh, room for the path, argv[1]…: for a script without `#!`
  char* const* envp = nullptr;
  const char* directory = nullptr;  // or null
  int stdio[3] = {-1, -1, -1};      // each >= 3, so that no dup2() overwrites another; -1: inherit
  Group group = Group::Same;
  bool close_others = false;    // descriptors from 3 on end with the exec
  int parent_death_signal = 0;  // with the parent that it is to be sent for
  pid_t parent = 0;
  sigset_t caught{};  // handlers of ours, to be set to default before anything is unblocked
  sigset_t ignored{};
  sigset_t mask{};

  // Written by the child if it fails.
  SpawnStep failed_step = SpawnStep::Start;
  int error = 0;
};

/// Starts a child on `plan` (vfork-class: no memory is copied, and the caller sleeps until the
/// child's exec or end), with a pidfd stored in `pidfd` unless that is null. All signals must be
/// blocked. Returns the pid, or -1 with errno. A child that failed has set plan.error, and is
/// still to be reaped. Source: clone(2), vfork(2).
pid_t start_child(ExecPlan& plan, int* pidfd) noexcept;

}  // namespace procrun
