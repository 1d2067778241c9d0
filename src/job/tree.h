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

/// Whom a signal was sent to, or has reached by other ways, and whom it may not be sent to (EPERM).
struct Told {
  std::vector<pid_t> all;  // the refused ones, too
  std::vector<pid_t> refused;
};

/// Sends `signal` once to each descendant. Those in process group `except_group`, if that is not
/// 0, are left out: the terminal has told them.
Told signal_tree(int signal, pid_t except_group = 0);

/// Sends it to those that were not told and have come to us as orphans meanwhile, with all below
/// them: who was just being born when a signal ended its parent has missed it.
void signal_newcomers(int signal, Told& told);

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
