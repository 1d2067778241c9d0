#pragma once
// Several descriptors that are waited for as if they were one.
#include <sys/epoll.h>

#include <cstdint>
#include <vector>

#include "sys/fd.h"

namespace procrun::sys {

/// A descriptor behind which others stand (epoll(7)), each with an id of the caller's choice.
class Watches {
 public:
  Watches();

  /// Readable when one of them has something.
  int fd() const noexcept { return epoll_.get(); }
  /// Watches `fd`, which is borrowed for input.
  enum class Tell : std::uint8_t { Always, Once };
  void add(int fd, std::uint64_t id, Tell tell);
  /// The ids of those that have something now. Never blocks.
  std::vector<std::uint64_t> ready() const;

 private:
  Fd epoll_;
};

}  // namespace procrun::sys
