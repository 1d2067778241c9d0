#include "process/watcher.h"

#include <poll.h>

#include "sys/error.h"
#include "sys/pidfd.h"
#include "sys/poller.h"

namespace procrun {

Watcher::Watcher(pid_t pid) : pid_{pid} {
  auto pidfd = sys::open_pidfd(pid);
  if (!pidfd) sys::fail("watch process " + std::to_string(pid), ESRCH);
  pidfd_ = std::move(*pidfd);
}

Sight Watcher::look() const {
  Sight sight;
  sight.status = sys::process_status(pid_);
  sight.ppid = sight.status ? std::optional{sight.status->ppid} : sys::parent_of(pidfd_);
  pollfd end{.fd = pidfd(), .events = POLLIN, .revents = 0};
  sight.ended = sys::poll_until({&end, 1}, sys::Clock::now());
  // While it is unreaped nobody else can have had its number, in /proc either.
  if (is_reaped()) return {.reaped = true, .ended = true};
  return sight;
}

bool Watcher::is_reaped() const { return sys::is_reaped(pidfd_); }

std::optional<ExitStatus> Watcher::status() const {
  const auto raw = sys::exit_status_of(pidfd_);
  return raw ? std::optional{ExitStatus{*raw}} : std::nullopt;
}

}  // namespace procrun
