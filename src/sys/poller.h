#pragma once
// One wait per process, with everything in it: descriptors and the nearest deadline.
#include <poll.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <span>

#include "sys/clock.h"
#include "sys/fd.h"

namespace procrun::sys {

/// Waits with ppoll(2) until one of `fds` is ready or the deadline has passed, in which case it
/// returns false. A signal that interrupts it only makes it wait on.
bool poll_until(std::span<pollfd> fds, const Deadline& deadline);

/// Waits for many descriptors (epoll(7)). What is watched is named by an id of the caller's
/// choice, never by descriptor number, which may be in use again by the time it is looked at.
class Poller {
 public:
  struct Ready {
    std::uint64_t id;
    std::uint32_t events;  // EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR
  };

  Poller();
  /// For a forked copy, which must not go on watching its parent's descriptors.
  void close() noexcept { epoll_.reset(); }
  /// Watches `fd`. False where the descriptor is always ready (a regular file, EPERM).
  bool add(int fd, std::uint32_t events, std::uint64_t id);
  void change(int fd, std::uint32_t events, std::uint64_t id);
  /// To be called before the descriptor is closed: a copy in another process would keep the
  /// registration alive.
  void remove(int fd) noexcept;
  /// What is ready; empty when the deadline has passed. The span is good until the next call.
  std::span<const Ready> wait(const Deadline& deadline);

 private:
  Fd epoll_;
  std::array<Ready, 64> ready_{};
};

/// One id of a poller, for whatever descriptor is to be watched under it now.
class Watch {
 public:
  /// The poller is borrowed.
  Watch(Poller& poller, std::uint32_t events, std::uint64_t id)
      : poller_{poller}, events_{events}, id_{id} {}

  /// Watches `fd`, which is borrowed, instead of what was watched; -1: nothing.
  void set(int fd);

 private:
  Poller& poller_;
  std::uint32_t events_;
  std::uint64_t id_;
  int fd_ = -1;
};

}  // namespace procrun::sys
