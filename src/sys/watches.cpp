#include "sys/watches.h"

#include <array>

#include "sys/error.h"

namespace procrun::sys {

Watches::Watches()
    : epoll_{retry("epoll_create1", [] { return ::epoll_create1(EPOLL_CLOEXEC); })} {}

void Watches::add(int fd, std::uint64_t id, Tell tell) {
  const std::uint32_t once = tell == Tell::Once ? std::uint32_t{EPOLLONESHOT} : 0;
  epoll_event event{.events = EPOLLIN | once, .data = {.u64 = id}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == -1) fail("epoll_ctl add");
}

std::vector<std::uint64_t> Watches::ready() const {
  std::array<epoll_event, 8> events;
  const int count = retry("epoll_wait", [&] {
    return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  });
  std::vector<std::uint64_t> ids;
  ids.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) ids.push_back(events[static_cast<std::size_t>(i)].data.u64);
  return ids;
}

}  // namespace procrun::sys
