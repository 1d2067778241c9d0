#pragma once
// How long a job may run, by how long those before it took.
#include <deque>
#include <optional>
#include <vector>

#include "sys/clock.h"

namespace procrun::engine {

/// A time limit that is so many percent of the median of the last jobs that have ended well.
class Pace {
 public:
  /// 0 percent: there is no limit.
  explicit Pace(int percent) : percent_{percent} {}

  bool limits() const noexcept { return percent_ != 0; }
  void ended_well(sys::Duration took);
  /// Empty until enough jobs have ended to speak of a median.
  std::optional<sys::Duration> limit() const;

 private:
  int percent_;
  std::deque<sys::Duration> recent_;    // in the order in which they ended
  std::vector<sys::Duration> by_size_;  // the same, the shortest first
};

}  // namespace procrun::engine
