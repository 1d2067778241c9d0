#pragma once
// The same stdin for each attempt: sought back where it can be, else kept as it is fed.
#include <poll.h>

#include <cstdint>
#include <span>

#include "sys/fd.h"

namespace procrun::job {

/// Gives a command what comes on a descriptor, again from the beginning with every attempt. A file
/// is given itself, set back to where it stood; what comes from a pipe or socket passes through us
/// and is kept in an unlinked file.
class Feed {
 public:
  /// `source` is borrowed.
  explicit Feed(int source);

  /// The stdin for the next attempt; borrowed, to be let go of with started().
  int begin();
  /// The command has its stdin.
  void started() noexcept { command_end_.reset(); }

  /// Fills in what to poll for; returns how many (at most one).
  std::size_t watch(std::span<pollfd> fds) const;
  /// Passes on what goes now. Throws std::system_error where it cannot be kept.
  void serve(std::span<const pollfd> fds);

 private:
  void take_in();
  void pass_on();

  int source_;
  std::int64_t start_;  // of a file; -1: it cannot be sought
  sys::Fd kept_;
  std::uint64_t kept_size_ = 0;
  std::uint64_t passed_ = 0;
  bool ended_ = false;
  sys::Fd command_end_;
  sys::Fd our_end_;
};

}  // namespace procrun::job
