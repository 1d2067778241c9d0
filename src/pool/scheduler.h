#pragma once
// Which slot gets the next call: the rule alone, without processes.
#include <cstdint>
#include <optional>
#include <vector>

#include "sys/clock.h"

namespace procrun::pool {

/// Keeps count of the calls that each of N slots has in hand, and of how long calls take lately.
class Scheduler {
 public:
  explicit Scheduler(unsigned slots) : slots_(slots), open_{slots} {}

  /// The slot for the next call: one that is free, a worn one (with a worker) before a new one,
  /// the lowest first; else, if `ahead` is allowed and calls have been quick lately, the one that
  /// has the fewest in hand, so that it need not wait for us when it ends: one call ahead, or as
  /// many as will have ended before the last of them counts as slow, but sixteen.
  /// None is given ahead behind a call that is not quick itself.
  std::optional<unsigned> next(bool ahead, sys::Clock::time_point now = {}) const;

  void given(unsigned slot, sys::Clock::time_point now);
  /// The slot's first call has ended.
  void ended(unsigned slot, sys::Clock::time_point now);
  /// A call that had not begun was taken back.
  void returned(unsigned slot);
  /// The slot's worker is gone, and with it all that it had in hand.
  void emptied(unsigned slot);

  /// From now on only the first so many slots get calls, and no more than so many are busy, once
  /// the surplus ones have ended what they have in hand.
  void resize(unsigned slots);

  /// The slot gets no more calls: no worker can be started for it.
  void disable(unsigned slot) { slots_[slot].disabled = true; }

  unsigned in_hand(unsigned slot) const { return slots_[slot].in_hand; }
  unsigned busy() const noexcept { return busy_; }
  /// When the slot's first call was begun, as far as can be known from here.
  sys::Clock::time_point since(unsigned slot) const { return slots_[slot].since; }

  /// Calls that take less are worth giving ahead; one that takes longer blocks what waits behind.
  /// So many milliseconds that whoever serves the slots wakes for several programs at a time, and
  /// not for each with cold caches; and so few that nobody sees them lost.
  static constexpr sys::Duration kQuick = std::chrono::milliseconds{6};

 private:
  unsigned most_in_hand() const;

  struct Slot {
    unsigned in_hand = 0;
    bool worn = false;
    bool disabled = false;
    sys::Clock::time_point since;
  };

  std::vector<Slot> slots_;
  unsigned open_;  // of those, from the first on
  unsigned busy_ = 0;
  unsigned quick_in_a_row_ = 0;
  sys::Duration typical_ = kQuick;  // what a call takes lately: a moving mean
};

}  // namespace procrun::pool
