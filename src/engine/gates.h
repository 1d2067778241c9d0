#pragma once
// What holds a pool's next job back although a slot is free.
#include <cstdint>
#include <functional>
#include <optional>

#include "job/deadlines.h"
#include "sys/clock.h"

namespace procrun::engine {

/// Between two starts lies at least so long.
class DelayGate {
 public:
  explicit DelayGate(sys::Duration delay) : delay_{delay} {}

  bool may_start(sys::Clock::time_point now) const { return !next_ || *next_ <= now; }
  /// When that may change from no to yes.
  sys::Deadline deadline() const noexcept { return next_; }
  void started(sys::Clock::time_point now) { next_ = job::after(now, delay_); }

 private:
  sys::Duration delay_;
  sys::Deadline next_;
};

/// What the machine says of itself, such as its load. Nobody tells when that changes: after a no
/// it is asked again a second later; after a yes, for the next job.
class MachineGate {
 public:
  /// `is_fit` asks it.
  explicit MachineGate(std::function<bool()> is_fit) : is_fit_{std::move(is_fit)} {}

  bool may_start(sys::Clock::time_point now);
  sys::Deadline deadline() const noexcept { return ask_again_; }

 private:
  std::function<bool()> is_fit_;
  sys::Deadline ask_again_;  // empty: it said yes
};

/// What the gates of a run are.
struct GateRules {
  sys::Duration delay{};                // between two starts
  std::optional<double> most_load;      // none is started while the load is above
  std::optional<std::uint64_t> memory;  // or while fewer bytes are available
};

/// All the gates of a run.
class Gates {
 public:
  explicit Gates(const GateRules& rules);

  bool any() const noexcept { return delay_ || load_ || memory_; }
  /// Whether a job may start now.
  bool may_start(sys::Clock::time_point now);
  /// A job has been started.
  void started(sys::Clock::time_point now);
  /// When it is worth to ask again: only after a no.
  sys::Deadline deadline() const noexcept { return deadline_; }
  /// What a job waits for after a no: "until ...".
  const char* wait() const noexcept { return wait_; }

 private:
  std::optional<DelayGate> delay_;
  std::optional<MachineGate> load_;
  std::optional<MachineGate> memory_;
  sys::Deadline deadline_;
  const char* wait_ = "";
};

}  // namespace procrun::engine
