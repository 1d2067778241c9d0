#include "sys/extent.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

namespace procrun::sys {

std::uint64_t page_size() noexcept { return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)); }

void punch_out(const Extent& extent) noexcept {
  const std::uint64_t page = page_size();
  const std::uint64_t from = (extent.offset + page - 1) / page * page;
  const std::uint64_t to = (extent.offset + extent.length) / page * page;
  if (from >= to) return;
  ::fallocate(extent.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(from),
              static_cast<off_t>(to - from));
}

void give_back(const Extent& extent) noexcept {
  if (extent.freed == nullptr) return punch_out(extent);
  const std::uint64_t end = extent.offset + extent.length;
  const std::uint64_t from = std::max(extent.offset, std::min(end, kWrittenAgain));
  punch_out({.fd = extent.fd, .offset = from, .length = end - from});
  // Whoever sees the number sees that nothing is read there any more.
  extent.freed->fetch_add(extent.length, std::memory_order_release);
}

}  // namespace procrun::sys
