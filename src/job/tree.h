#pragma once
// All that descends from this process: where it is a subreaper, whatever its jobs leave behind is
// adopted by it, so that nothing gets away.
#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace procrun::job {

/// Whom to leave alone, with all below it.
using Spare = std::function<bool(pid_t)>;

/// Makes this process the one that adopts its descendants' orphans (PR_SET_CHILD_SUBREAPER).
void become_subreaper();

/// Sends `signal` once to each descendant. Those in process group `except_group`, if that is not
/// 0, are left out: the terminal has told them. Returns those that it may not signal (EPERM).
std::vector<pid_t> signal_tree(int signal, pid_t except_group = 0, const Spare& spare = {});

/// Sends CONT to those descendants that are stopped.
void continue_tree();

/// Who was sent KILL, and what it was running: that cannot be looked up any more when it is dead.
struct Killed {
  pid_t pid;
  std::string command;
};

/// Whom a sweep has sent KILL, and whom it may not signal.
struct Swept {
  std::vector<Killed> killed;
  std::vector<pid_t> refused;
};

/// Kills every descendant: stops them one after the other until no new one appears, so that none
/// can fork away, then sends KILL. They are still to be reaped.
Swept kill_tree(const Spare& spare = {});

}  // namespace procrun::job
