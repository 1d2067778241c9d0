#include "pool/scheduler.h"

#include <algorithm>

namespace procrun::pool {
namespace {

constexpr unsigned kEnoughQuickOnes = 4;
constexpr sys::Duration::rep kMostAhead = 16;

}  // namespace

std::optional<unsigned> Scheduler::next(bool ahead, sys::Clock::time_point now) const {
  std::optional<unsigned> fresh;
  std::optional<unsigned> least;
  for (unsigned slot = 0; slot < open_; ++slot) {
    const Slot& state = slots_[slot];
    if (state.disabled) continue;
    if (state.in_hand == 0 && busy_ >= open_) continue;
    if (state.in_hand == 0 && state.worn) return slot;
    if (state.in_hand == 0 && !fresh) fresh = slot;
    const bool slow = state.in_hand != 0 && now - state.since >= kQuick;
    if (!slow && (!least || state.in_hand < slots_[*least].in_hand)) least = slot;
  }
  if (fresh) return fresh;
  if (!ahead || !least || quick_in_a_row_ < kEnoughQuickOnes) return std::nullopt;
  return slots_[*least].in_hand < most_in_hand() ? least : std::nullopt;
}

void Scheduler::resize(unsigned slots) {
  if (slots > slots_.size()) slots_.resize(slots);
  open_ = slots;
}

unsigned Scheduler::most_in_hand() const {
  const auto fit = kQuick / std::max(typical_, sys::Duration{1}) - 1;
  return 1 + static_cast<unsigned>(std::clamp<sys::Duration::rep>(fit, 1, kMostAhead));
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
  const auto took = now - state.since;
  quick_in_a_row_ = took < kQuick ? quick_in_a_row_ + 1 : 0;
  typical_ += (took - typical_) / 8;
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
