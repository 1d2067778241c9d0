#include "process/stranger.h"

#include <sys/wait.h>

#include "sys/pidfd.h"

namespace procrun {

std::optional<Stranger> Stranger::find(pid_t pid) {
  auto pidfd = sys::open_pidfd(pid);
  if (!pidfd) return std::nullopt;
  return Stranger{pid, std::move(*pidfd)};
}

std::optional<ExitStatus> Stranger::status() {
  if (status_) return status_;
  int raw = 0;
  if (::waitpid(pid_, &raw, WNOHANG) == pid_) {
    status_ = ExitStatus{raw};
  } else if (const auto told = sys::exit_status_of(pidfd_)) {
    status_ = ExitStatus{*told};
  }
  return status_;
}

std::optional<sys::ProcessStat> Stranger::as_zombie() const {
  auto stat = sys::process_stat(pid_);
  if (!stat || stat->state != 'Z') return std::nullopt;
  return stat;
}

}  // namespace procrun
