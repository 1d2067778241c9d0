#include "sys/poller.h"

#include <algorithm>
#include <limits>

#include "sys/error.h"

namespace procrun::sys {
namespace {

Duration left_until(Clock::time_point deadline) {
  return std::max<Duration>(deadline - Clock::now(), Duration::zero());
}

/// In whole milliseconds, rounded up: rounded down it would spin through the last one.
int milliseconds_until(const Deadline& deadline) {
  if (!deadline) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(left_until(*deadline)).count();
  return static_cast<int>(std::min<long>(left, std::numeric_limits<int>::max()));
}

}  // namespace

bool poll_until(std::span<pollfd> fds, const Deadline& deadline) {
  for (;;) {
    timespec timeout{};
    if (deadline) {
      const auto left = left_until(*deadline);
      timeout.tv_sec = left / std::chrono::seconds{1};
      timeout.tv_nsec = (left % std::chrono::seconds{1}).count();
    }
    const int count = ::ppoll(fds.data(), fds.size(), deadline ? &timeout : nullptr, nullptr);
    if (count > 0) return true;
    if (count == 0) return false;
    if (errno != EINTR) fail("ppoll");
  }
}

Poller::Poller() : epoll_{retry("epoll_create1", [] { return ::epoll_create1(EPOLL_CLOEXEC); })} {}

bool Poller::add(int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{.events = events, .data = {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return true;
  if (errno != EPERM) fail("epoll_ctl add");
  return false;
}

void Poller::change(int fd, std::uint32_t events, std::uint64_t id) {
  epoll_event event{.events = events, .data = {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == -1) fail("epoll_ctl modify");
}

void Poller::remove(int fd) noexcept { ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr); }

std::span<const Poller::Ready> Poller::wait(const Deadline& deadline) {
  std::array<epoll_event, 64> events;
  int count = 0;
  do {
    count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                         milliseconds_until(deadline));
  } while (count == -1 && errno == EINTR);
  if (count == -1) fail("epoll_wait");
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    ready_[i] = {events[i].data.u64, events[i].events};
  }
  return {ready_.data(), static_cast<std::size_t>(count)};
}

void Watch::set(int fd) {
  if (fd == fd_) return;
  if (fd_ != -1) poller_.remove(fd_);
  fd_ = fd;
  if (fd != -1) poller_.add(fd, events_, id_);
}

}  // namespace procrun::sys
