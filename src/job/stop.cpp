#include "job/stop.h"

#include <unistd.h>

#include <iterator>

namespace procrun::job {
namespace {

/// Between two sweeps over a tree that has been killed and is not gone.
constexpr auto kSweepAgain = std::chrono::milliseconds{200};

}  // namespace

void Stop::begin(StopPlan plan, bool group_has_it, pid_t alone) {
  plan_ = std::move(plan);
  step_ = 0;
  alone_ = alone;
  step(group_has_it);
}

void Stop::next() {
  if (step_ + 1 < plan_.size()) ++step_;
  step(false);
}

sys::Duration Stop::wait() const { return killing() ? kSweepAgain : plan_.at(step_).wait; }

void Stop::tell_newcomers() {
  if (begun() && !killing() && alone_ <= 0) signal_newcomers(signal(), told_);
}

void Stop::step(bool group_has_it) {
  told_ = {};
  if (alone_ > 0) {
    if (::kill(alone_, signal()) == -1) told_.refused.push_back(alone_);
    if (!killing()) ::kill(alone_, SIGCONT);
    return;
  }
  if (killing()) {
    Swept swept = kill_tree();
    told_.refused = std::move(swept.refused);
    killed_.insert(killed_.end(), std::make_move_iterator(swept.killed.begin()),
                   std::make_move_iterator(swept.killed.end()));
    return;
  }
  told_ = signal_tree(signal(), group_has_it ? ::getpgrp() : 0);
  continue_tree();  // who is stopped acts on nothing but KILL
}

}  // namespace procrun::job
