#pragma once
// A stdin that is the same for each attempt: sought back, or fed from where it is kept.
#include <poll.h>

#include <cstdint>
#include <span>

#include "sys/extent.h"
#include "sys/fd.h"

namespace procrun::job {

/// Gives a command what comes on a descriptor, again from the beginning with every attempt. A file
/// is given itself, set back to where it stood; what comes from a pipe or socket passes through us
/// and is kept in an unlinked file. A stretch of a file passes through a pipe as well.
class Feed {
 public:
  /// `source` is borrowed.
  explicit Feed(int source);
  /// These bytes, which have to stay there, and then the end.
  explicit Feed(const sys::Extent& source);

  /// The stdin for the next attempt; borrowed, to be let go of with started().
  int begin();
  /// The command has its stdin.
  void started() noexcept { command_end_.reset(); }

  /// Fills in what to poll for; returns how many (at most one).
  std::size_t watch(std::span<pollfd> fds) const;
  /// Passes on what goes now. Throws std::system_error where it cannot be kept, or read again.
  void serve(std::span<const pollfd> fds);

 private:
  void take_in();
  void pass_on();
  std::int64_t move(std::uint64_t most);
  int kept() const noexcept { return kept_ ? kept_.get() : extent_.fd; }

  int source_ = -1;
  std::int64_t start_ = -1;  // of a file; -1: it cannot be sought
  sys::Fd kept_;
  sys::Extent extent_;        // that is kept: all of kept_, or given
  std::uint64_t passed_ = 0;  // of it
  bool ended_ = false;
  bool can_splice_ = true;
  sys::Fd command_end_;
  sys::Fd our_end_;
};

}  // namespace procrun::job
