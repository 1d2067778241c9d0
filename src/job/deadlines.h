#pragma once
// The times at which a supervision has something to do, on a clock that can be stopped.
#include <algorithm>
#include <array>
#include <cstddef>

#include "sys/clock.h"

namespace procrun::job {

/// `wait` after `from`. What is longer than the clock can count is cut: nobody sees it end.
inline sys::Clock::time_point after(sys::Clock::time_point from, sys::Duration wait) {
  constexpr sys::Duration kMost = std::chrono::hours{24 * 365 * 100};
  return from + std::min(wait, kMost);
}

/// One deadline of each kind. While paused none is near, and all move on by as long as the pause
/// was: a stopped job does not use up its time.
class Deadlines {
 public:
  enum Kind : std::size_t { TimeIsUp, AllTimeIsUp, NextStep, Leftovers, LeftoversAtMost, Retry };

  void set(Kind kind, sys::Clock::time_point at) { times_[kind] = at; }
  void clear(Kind kind) { times_[kind].reset(); }
  bool is_set(Kind kind) const { return times_[kind].has_value(); }
  bool due(Kind kind, sys::Clock::time_point now) const {
    return !paused_ && times_[kind] && *times_[kind] <= now;
  }
  sys::Deadline at(Kind kind) const { return times_[kind]; }

  sys::Deadline nearest() const {
    sys::Deadline nearest;
    if (paused_) return nearest;
    for (const auto& time : times_) nearest = sys::earlier(nearest, time);
    return nearest;
  }

  void pause(sys::Clock::time_point now) {
    if (!paused_) paused_ = now;
  }
  /// Returns how long the pause was.
  sys::Duration resume(sys::Clock::time_point now) {
    if (!paused_) return sys::Duration::zero();
    const auto pause = now - *paused_;
    paused_.reset();
    for (auto& time : times_) {
      if (time) *time += pause;
    }
    return pause;
  }

 private:
  std::array<sys::Deadline, 6> times_{};
  sys::Deadline paused_;
};

}  // namespace procrun::job
