#include "process/stranger.h"

#include <sys/wait.h>

namespace procrun {

std::optional<Stranger> Stranger::find(pid_t pid) {
  auto pidfd = sys::open_pidfd(pid);
  if (!pidfd) return std::nullopt;
  return Stranger{pid, std::move(*pidfd)};
}

std::optional<Stranger> Stranger::find(const sys::ProcessId& id) {
  auto pidfd = sys::open_process(id);
  if (!pidfd) return std::nullopt;
  return Stranger{id.pid, std::move(*pidfd)};
}

std::optional<std::uint64_t> Stranger::inode() const {
  const std::uint64_t inode = sys::pidfd_inode(pidfd_);
  return inode != 0 ? std::optional{inode} : std::nullopt;
}

std::optional<ExitStatus> Stranger::status() {
  if (status_) return status_;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) == pid_) return status_ = ExitStatus{raw};
  if (!has_ended()) return std::nullopt;
  const auto word = sys::zombie_status(pid_);
  // The number was its own all the time only if it is so still; if not, the kernel tells by now.
  if (word && !is_reaped()) return status_ = ExitStatus{*word};
  if (const auto told = sys::exit_status_of(pidfd_)) status_ = ExitStatus{*told};
  return status_;
}

std::optional<sys::ProcessStat> Stranger::stat() const {
  auto stat = sys::process_stat(pid_);
  if (!stat || is_reaped()) return std::nullopt;  // its number may be another's by now
  return stat;
}

std::optional<sys::ProcessStat> Stranger::as_zombie() const {
  if (!has_ended()) return std::nullopt;  // its first thread alone may be a zombie
  auto stat = this->stat();
  if (!stat || stat->state != 'Z') return std::nullopt;
  return stat;
}

}  // namespace procrun
