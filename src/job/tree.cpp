#include "job/tree.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "sys/error.h"
#include "sys/pidfd.h"
#include "sys/proc.h"

namespace procrun::job {
namespace {

using sys::Kin;

/// So many walks, before a tree that goes on changing is taken as it is.
constexpr int kMostWalks = 16;

enum class Sent { Yes, Gone, Refused };

/// Without /proc all members are children of ours that nobody has reaped: their numbers are safe.
Sent send_to_child(pid_t pid, int signal) {
  siginfo_t ended{};
  const auto id = static_cast<id_t>(pid);
  if (::waitid(P_PID, id, &ended, WEXITED | WNOHANG | WNOWAIT) == -1) return Sent::Gone;
  if (ended.si_pid != 0) return Sent::Gone;
  if (::kill(pid, signal) == 0) return Sent::Yes;
  return errno == EPERM ? Sent::Refused : Sent::Gone;
}

/// By pidfd, and only to a process that is still where the walk has seen it, or an orphan that came
/// to us since: its number may have been given to a stranger meanwhile.
Sent send(const Kin& member, int signal) {
  if (!sys::proc_is_ours()) return send_to_child(member.pid, signal);
  const auto pidfd = sys::open_pidfd(member.pid);
  const auto stat = sys::process_stat(member.pid);
  if (!pidfd || !stat || stat->state == 'Z') return Sent::Gone;
  if (stat->ppid != member.parent && stat->ppid != ::getpid()) return Sent::Gone;
  try {
    return sys::send_signal(*pidfd, signal) ? Sent::Yes : Sent::Gone;
  } catch (const std::system_error& error) {
    if (error.code().value() != EPERM) throw;
    return Sent::Refused;
  }
}

/// All descendants. Whose parent ends during a walk may be missed by it: the one reads our children
/// before the orphan is among them, and the other's when it is no more. So it walks until two walks
/// see the same.
std::vector<Kin> tree(const Spare& spare) {
  auto members = sys::descendants_of(::getpid(), spare);
  for (int walks = 1; walks < kMostWalks; ++walks) {
    auto again = sys::descendants_of(::getpid(), spare);
    const bool same = again == members;
    members = std::move(again);
    if (same) break;
  }
  return members;
}

}  // namespace

void become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1) == -1) sys::fail("prctl PR_SET_CHILD_SUBREAPER");
}

Told signal_tree(int signal, pid_t except_group) {
  Told told;
  for (const Kin& member : tree({})) {
    told.all.push_back(member.pid);
    if (except_group != 0 && ::getpgid(member.pid) == except_group) continue;
    if (send(member, signal) == Sent::Refused) told.refused.push_back(member.pid);
  }
  return told;
}

void signal_newcomers(int signal, Told& told) {
  const auto holds = [](const std::vector<pid_t>& pids, pid_t pid) {
    return std::find(pids.begin(), pids.end(), pid) != pids.end();
  };
  std::vector<pid_t> newcomers;
  for (const Kin& member : tree({})) {  // parents before their children
    const bool is_ours = member.parent == ::getpid() || holds(newcomers, member.parent);
    if (!is_ours || holds(told.all, member.pid)) continue;
    newcomers.push_back(member.pid);
    if (send(member, signal) == Sent::Refused) told.refused.push_back(member.pid);
  }
  told.all.insert(told.all.end(), newcomers.begin(), newcomers.end());
}

void continue_tree() {
  for (const Kin& member : tree({})) {
    const auto stat = sys::process_stat(member.pid);
    const bool may_be_stopped = stat ? stat->state == 'T' : !sys::proc_is_ours();
    if (may_be_stopped) send(member, SIGCONT);
  }
}

Swept kill_tree(const Spare& spare) {
  Swept swept;
  std::vector<pid_t> seen;
  // Each sweep leaves fewer that can still fork; the last one finds nobody new.
  for (bool found_new = true; found_new;) {
    found_new = false;
    for (const Kin& member : tree(spare)) {
      if (std::find(seen.begin(), seen.end(), member.pid) != seen.end()) continue;
      seen.push_back(member.pid);
      found_new = true;
      if (send(member, SIGSTOP) == Sent::Refused) swept.refused.push_back(member.pid);
    }
  }
  for (const Kin& member : tree(spare)) {
    std::string command = sys::command_of(member.pid);
    if (send(member, SIGKILL) != Sent::Yes) continue;
    swept.killed.push_back({member.pid, std::move(command)});
  }
  return swept;
}

}  // namespace procrun::job
