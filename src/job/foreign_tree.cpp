#include "job/foreign_tree.h"

#include <poll.h>
#include <signal.h>

#include <cerrno>
#include <set>
#include <stdexcept>
#include <system_error>
#include <vector>

#include "sys/pidfd.h"
#include "sys/poller.h"
#include "sys/proc.h"

namespace procrun::job {
namespace {

/// So many walks, before a tree that goes on changing is taken as it is.
constexpr int kMostWalks = 16;

}  // namespace

ForeignTree::ForeignTree(const sys::ProcessId& root, Root what)
    : root_{root.pid}, what_{what}, root_pidfd_{sys::open_process(root)} {
  if (!sys::proc_is_ours()) throw std::runtime_error("/proc does not show our processes");
  if (root_pidfd_ && what_ == Root::Included) {
    members_.emplace(root_, sys::duplicate(root_pidfd_->get()));
  }
}

/// True if somebody new was found. Who has ended is no member any more.
bool ForeignTree::look() {
  std::erase_if(members_, [](const auto& member) { return sys::has_ended(member.second); });
  std::vector<pid_t> roots;
  for (const auto& [pid, pidfd] : members_) roots.push_back(pid);
  const bool root_lives = root_pidfd_ && !sys::has_ended(*root_pidfd_);
  if (what_ == Root::Spared && root_lives) roots.push_back(root_);
  bool found = false;
  for (const pid_t root : roots) {
    for (const sys::Kin& kin : sys::descendants_of(root)) {
      if (add(kin.pid, kin.parent)) found = true;
    }
  }
  return found;
}

/// Only a process that is still where the walk has seen it, or came to the root since.
bool ForeignTree::add(pid_t pid, pid_t parent) {
  if (members_.contains(pid)) return false;
  auto pidfd = sys::open_pidfd(pid);
  const auto stat = sys::process_stat(pid);
  if (!pidfd || !stat || stat->state == 'Z') return false;
  if (stat->ppid != parent && stat->ppid != root_) return false;
  members_.emplace(pid, std::move(*pidfd));
  return true;
}

void ForeignTree::send(const sys::Fd& pidfd, int signal) {
  try {
    sys::send_signal(pidfd, signal);
  } catch (const std::system_error& error) {
    if (error.code().value() != EPERM) throw;
    refused_ = true;
  }
}

void ForeignTree::signal(int signal) {
  for (int walks = 0; look() && walks < kMostWalks; ++walks) {
  }
  for (const auto& [pid, pidfd] : members_) send(pidfd, signal);
  for (const auto& [pid, pidfd] : members_) {
    const auto stat = sys::process_stat(pid);
    if (stat && stat->state == 'T' && signal != SIGSTOP) send(pidfd, SIGCONT);
  }
}

void ForeignTree::kill() {
  // Each round leaves fewer that can still fork.
  std::set<pid_t> stopped;
  do {
    for (const auto& [pid, pidfd] : members_) {
      if (stopped.insert(pid).second) send(pidfd, SIGSTOP);
    }
  } while (look());
  for (const auto& [pid, pidfd] : members_) send(pidfd, SIGKILL);
}

bool ForeignTree::wait_until_gone(const sys::Deadline& deadline) {
  const auto ends = [&](const sys::Fd& pidfd) {
    pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
    return sys::poll_until({&ended, 1}, deadline);
  };
  if (what_ == Root::Spared) return !root_pidfd_ || ends(*root_pidfd_);
  for (look(); !members_.empty(); look()) {
    if (!ends(members_.begin()->second)) return false;
  }
  return true;
}

}  // namespace procrun::job
