#pragma once
// Hands every event to every sink.
#include <algorithm>
#include <vector>

#include "event/event.h"

namespace procrun::event {

/// The sinks of a run. Does not own them.
class Bus {
 public:
  void add(Sink& sink) { sinks_.push_back(&sink); }
  /// The most that somebody wants to hear.
  Interest interest() const {
    Interest most = Interest::Trouble;
    for (const Sink* sink : sinks_) most = std::max(most, sink->interest());
    return most;
  }
  /// Somebody wants to hear as much as that.
  bool wants(Interest wanted) const { return interest() >= wanted; }
  void emit(const Event& event) const {
    for (Sink* sink : sinks_) sink->take(event);
  }
  void show(const Standing& standing, sys::Clock::time_point now) const {
    for (Sink* sink : sinks_) sink->look(standing, now);
  }
  sys::Deadline deadline() const {
    sys::Deadline nearest;
    for (const Sink* sink : sinks_) nearest = sys::earlier(nearest, sink->deadline());
    return nearest;
  }

 private:
  std::vector<Sink*> sinks_;
};

}  // namespace procrun::event
