#pragma once
// The child between its birth and execve(2): the one place where that code lives, and its law.
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace procrun {

/// What a child does before it becomes the program; each can fail.
enum class SpawnStep : std::uint8_t {
  Start,
  Signals,
  Group,
  Terminal,
  Stdio,
  Descriptors,
  Limits,
  Cpus,
  Nice,
  OomScore,
  User,
  Directory,
  NoNewPrivs,
  ParentDeath,
  Exec
};

/// A resource limit (setrlimit(2)).
struct Limit {
  int resource = 0;
  rlimit value{};
};

/// Whom a child becomes (setgroups(2), setresgid(2), setresuid(2)).
struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups = {};
};

/// Where and how a program runs, beyond what it inherits. All of it is prepared by the parent.
struct Place {
  std::vector<Limit> limits = {};
  std::optional<cpu_set_t> cpus = std::nullopt;
  std::optional<int> nice = std::nullopt;  // the niceness itself, not an increment
  std::string oom_score_adj = {};          // what is written to the file; empty: nothing
  std::optional<User> user = std::nullopt;
  std::optional<mode_t> umask = std::nullopt;
  bool no_new_privs = false;
};

/// All that a child needs, laid out before it is born, so that it only reads memory. It shares
/// that memory with its parent, which sleeps meanwhile, and reports a failure through it.
struct ExecPlan {
  enum class Group : std::uint8_t { Same, Own, Session };

  char* const* candidates = nullptr;  // the program's possible paths, in order; null-terminated
  char** script_argv = nullptr;       // sh for a script without `#!`; then argv; null-terminated
  char* const* envp = nullptr;
  const char* directory = nullptr;  // or null
  int stdio[3] = {-1, -1, -1};      // each >= 3, so that no dup2() overwrites another; -1: inherit
  Group group = Group::Same;
  /// A terminal that Group::Own is to stand in the foreground of, and Group::Session to have for
  /// its own; -1: none.
  int terminal = -1;
  bool close_others = false;  // descriptors from 3 on end with the exec
  const int* kept = nullptr;  // but these, in ascending order
  std::size_t kept_count = 0;
  const Place* place = nullptr;
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
