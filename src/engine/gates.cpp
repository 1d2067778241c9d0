#include "engine/gates.h"

#include "sys/machine.h"

namespace procrun::engine {
namespace {

constexpr auto kAskAgain = std::chrono::seconds{1};

}  // namespace

bool MachineGate::may_start(sys::Clock::time_point now) {
  if (ask_again_ && now < *ask_again_) return false;
  ask_again_.reset();
  if (!is_fit_()) ask_again_ = now + kAskAgain;
  return !ask_again_;
}

/// What nobody tells holds nothing back.
Gates::Gates(const GateRules& rules) {
  if (rules.delay.count() != 0) delay_.emplace(rules.delay);
  if (rules.most_load) {
    load_.emplace([most = *rules.most_load] { return sys::load_average().value_or(0) <= most; });
  }
  if (rules.memory) {
    memory_.emplace(
        [least = *rules.memory] { return sys::available_memory().value_or(least) >= least; });
  }
}

bool Gates::may_start(sys::Clock::time_point now) {
  const auto holds = [&](auto& gate, const char* wait) {
    if (!gate || gate->may_start(now)) return false;
    deadline_ = gate->deadline();
    wait_ = wait;
    return true;
  };
  if (holds(delay_, "until --delay has passed since the last start")) return false;
  if (holds(load_, "until the load is no more above --load")) return false;
  if (holds(memory_, "until as much memory as --memfree says is available")) return false;
  deadline_.reset();
  return true;
}

void Gates::started(sys::Clock::time_point now) {
  if (delay_) delay_->started(now);
}

}  // namespace procrun::engine
