#include "pool/scheduler.h"

namespace procrun::pool {
namespace {

constexpr unsigned kEnoughQuickOnes = 4;

}  // namespace

std::optional<unsigned> Scheduler::next(bool ahead) const {
  std::optional<unsigned> fresh;
  std::optional<unsigned> single;
  for (unsigned slot = 0; slot < slots_.size(); ++slot) {
    const Slot& state = slots_[slot];
    if (state.disabled) continue;
    if (state.in_hand == 0 && state.worn) return slot;
    if (state.in_hand == 0 && !fresh) fresh = slot;
    if (state.in_hand == 1 && !single) single = slot;
  }
  if (fresh) return fresh;
  return ahead && quick_in_a_row_ >= kEnoughQuickOnes ? single : std::nullopt;
}

void Scheduler::given(unsigned slot, sys::Clock::time_point now) {
  Slot& state = slots_[slot];
  if (state.in_hand == 0) {
    state.since = now;
    ++busy_;
  }
  ++state.in_hand;
  state.worn = true;
}

void Scheduler::ended(unsigned slot, sys::Clock::time_point now) {
  Slot& state = slots_[slot];
  quick_in_a_row_ = now - state.since < kQuick ? quick_in_a_row_ + 1 : 0;
  state.since = now;
  returned(slot);
}

void Scheduler::returned(unsigned slot) {
  if (--slots_[slot].in_hand == 0) --busy_;
}

void Scheduler::emptied(unsigned slot) {
  if (slots_[slot].in_hand != 0) --busy_;
  slots_[slot] = {};
}

}  // namespace procrun::pool
