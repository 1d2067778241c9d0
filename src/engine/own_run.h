#pragma once
// One command supervised by this very process: `wait`, and the supervisor that `fork` leaves
// behind.
#include <deque>
#include <string>

#include "event/bus.h"
#include "job/supervise.h"
#include "sys/outlet.h"
#include "sys/signals.h"

namespace procrun::engine {

/// Orders come as signals to this process.
class SignalContext : public job::Context {
 public:
  struct Options {
    /// INT, TERM and HUP end the tree by the stop plan; else they are only passed on.
    bool stops = false;
    /// What the command is called before people.
    std::string text;
    /// What it listens to; all of them must be blocked.
    sigset_t signals = sys::all_signals();
  };

  /// `err` is where the bus's sinks write; it is flushed before waits.
  SignalContext(Options options, const event::Bus& bus, sys::Outlet* err);

  void emit(const event::Event& event) override;
  bool listens() const override { return bus_.wants(event::Interest::Story); }
  bool wants_details() const override { return bus_.wants(event::Interest::Details); }
  std::span<const int> inbox() const override { return {&fd_, 1}; }
  void hear(std::size_t which) override;
  std::optional<job::Order> next_order() override;
  void stand_still() override;
  job::Spill& spill() override { return spill_; }
  job::Pipes& pipes() override { return pipes_; }

 protected:
  /// Some of the signals that have come.
  std::span<const signalfd_siginfo> read_signals() { return signals_.read(); }
  void add(const job::Order& order) { orders_.push_back(order); }

 private:
  Options options_;
  const event::Bus& bus_;
  sys::Outlet* err_;
  sys::SignalFd signals_;
  int fd_;
  job::Spill spill_;
  job::Pipes pipes_;
  std::deque<job::Order> orders_;
};

/// Runs the job, whose process is called `name`, with that context, and tells of the run's start
/// and end. Blocks until nothing of its tree is left.
job::Outcome run_own(const job::Job& job, const job::Policy& policy, const std::string& name,
                     job::Context& context);

}  // namespace procrun::engine
