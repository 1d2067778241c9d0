#include "process/child.h"

#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "process/fork.h"
#include "sys/error.h"
#include "sys/pidfd.h"
#include "sys/poller.h"

namespace procrun {

Child::Child(pid_t pid, sys::Fd pidfd) : pid_{pid}, owner_{::getpid()}, pidfd_{std::move(pidfd)} {
  if (pidfd_) return;
  try {
    // Its number cannot be another process's: it is not reaped.
    auto opened = sys::open_pidfd(pid);
    if (!opened) sys::fail("pidfd_open " + std::to_string(pid), ESRCH);
    pidfd_ = std::move(*opened);
  } catch (...) {
    end();  // or nobody would own it
    throw;
  }
}

Child::Child(Child&& other) noexcept
    : pid_{std::exchange(other.pid_, 0)},
      owner_{other.owner_},
      pidfd_{std::move(other.pidfd_)},
      status_{other.status_} {}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end();
    pid_ = std::exchange(other.pid_, 0);
    owner_ = other.owner_;
    pidfd_ = std::move(other.pidfd_);
    status_ = other.status_;
  }
  return *this;
}

Child::~Child() { end(); }

ExitStatus Child::wait() { return *reap(0); }

std::optional<ExitStatus> Child::wait_until(const sys::Deadline& deadline) {
  if (running() && owner_ == ::getpid()) {
    pollfd ended{.fd = pidfd(), .events = POLLIN, .revents = 0};
    if (!sys::poll_until({&ended, 1}, deadline)) return std::nullopt;
  }
  return reap(0);
}

std::optional<ExitStatus> Child::try_wait() { return reap(WNOHANG); }

pid_t Child::release() noexcept {
  pidfd_.reset();
  return std::exchange(pid_, 0);
}

bool Child::send(int signal) {
  return running() && owner_ == ::getpid() && sys::send_signal(pidfd_, signal);
}

std::optional<ExitStatus> Child::reap(int options) {
  if (pid_ == 0 || owner_ != ::getpid()) {
    throw std::logic_error("a child is waited for by the process that started it");
  }
  if (!status_) {
    const auto waited = waitpid(pid_, options);
    if (waited.pid == 0) return std::nullopt;
    status_ = waited.status;
    pidfd_.reset();
  }
  return status_;
}

void Child::end() noexcept {
  if (!running() || owner_ != ::getpid()) return;
  ::kill(pid_, SIGKILL);  // unreaped, so the number is still its own
  int status = 0;
  while (::waitpid(pid_, &status, 0) == -1 && errno == EINTR) {
  }
  pid_ = 0;
}

}  // namespace procrun
