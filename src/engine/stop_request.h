#pragma once
// Whether a signal to stop asks again, or is only the first request told twice.
#include "sys/clock.h"

namespace procrun::engine {

/// The first signal to stop that a run got. timeout(1) signals its child and then its group; of a
/// hangup the kernel tells, and the shell: only what comes later asks for more.
class StopRequest {
 public:
  /// Whether `signal` says again what has just been said; notes the first one.
  bool is_told_twice(int signal, sys::Clock::time_point now) {
    if (signal_ != 0) return signal == signal_ && now - told_ < kSameRequest;
    signal_ = signal;
    told_ = now;
    return false;
  }
  /// The first one; 0: there was none.
  int signal() const noexcept { return signal_; }

 private:
  static constexpr sys::Duration kSameRequest = std::chrono::milliseconds{100};

  int signal_ = 0;
  sys::Clock::time_point told_;
};

}  // namespace procrun::engine
