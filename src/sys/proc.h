#pragma once
// What the kernel says of a process in /proc (proc(5)).
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace procrun::sys {

/// The fields of /proc/PID/stat that procrun asks for.
struct ProcessStat {
  pid_t pid = 0;
  std::string name;  // the kernel's comm: at most 15 bytes
  char state = '?';  // R, S, D, T, Z, …
  pid_t ppid = 0;
  pid_t pgid = 0;
  pid_t sid = 0;
  std::uint64_t start_time = 0;  // clock ticks since boot; with the pid it names the process
};

/// Whether /proc is there and speaks of our own pid namespace. Where it does not (a chroot without
/// it, `unshare --pid` without a new one), its numbers are strangers'.
bool proc_is_ours();

/// Empty where there is no such process, or /proc does not speak of it.
std::optional<ProcessStat> process_stat(pid_t pid);

/// What /proc/PID/status says, in the kernel's words.
struct ProcessStatus {
  std::string name;   // comm, with what cannot be printed escaped
  std::string state;  // "S (sleeping)"
  pid_t ppid = 0;
  std::string resident;  // VmRSS: "1188 kB"; empty: it has no memory (any more)
};

/// Empty where there is no such process, or /proc does not speak of it.
std::optional<ProcessStatus> process_status(pid_t pid);

/// Its soft limit of processes, RLIMIT_NPROC: "64", "unlimited"; empty where /proc does not tell.
std::optional<std::string> process_limit_of(pid_t pid);

/// So many threads have `user` as their real one, of all processes that /proc shows: what
/// RLIMIT_NPROC is about (getrlimit(2)).
std::uint64_t count_threads_of(uid_t user);

/// Those of all processes that /proc shows, by number. Only a snapshot.
std::vector<ProcessStat> all_processes();

/// The number that was given last, to a process or a thread: while it stays the same, nobody has
/// forked. 0 where /proc does not tell.
pid_t newest_number();

/// How a zombie ended, as the raw word of wait(2); only who may inspect it (ptrace(2)) is told.
/// Empty where it is no zombie or this is not told (before Linux 5.17 not rightly, so not at all).
std::optional<int> zombie_status(pid_t pid);

/// A process and its parent.
struct Kin {
  pid_t pid = 0;
  pid_t parent = 0;
  bool operator==(const Kin&) const = default;
};

/// All that descend from `root` now (without it), parents before their children; those for which
/// `skip` is true are left out, with all below them. Only a snapshot: whoever forks meanwhile may
/// be missing. Without a /proc of ours only our own children are found, by asking the kernel of
/// each number whether it is one; whoever is below them, when it has been adopted.
std::vector<Kin> descendants_of(pid_t root, const std::function<bool(pid_t)>& skip = {});

/// Its arguments joined by spaces, cut at 80 bytes; its name in brackets where it has none left
/// (a zombie, a kernel thread), and of what /proc does not tell.
std::string command_of(pid_t pid);

}  // namespace procrun::sys
