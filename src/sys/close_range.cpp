#include "sys/close_range.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>

#include "sys/error.h"

namespace procrun::sys {

void close_all_but(std::vector<int> kept) {
  std::sort(kept.begin(), kept.end());
  unsigned from = 3;
  const auto close_up_to = [&](unsigned to) {
    if (from <= to && ::syscall(SYS_close_range, from, to, 0) == -1) fail("close_range");
  };
  for (const int fd : kept) {
    if (fd < 3) continue;
    close_up_to(static_cast<unsigned>(fd) - 1);
    from = static_cast<unsigned>(fd) + 1;
  }
  close_up_to(~0U);
}

}  // namespace procrun::sys
