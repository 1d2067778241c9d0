#pragma once
// One command in a pool of one worker, so that someone survives procrun and ends its tree.
#include <optional>
#include <string>

#include "engine/local.h"
#include "engine/printer.h"
#include "engine/stop_request.h"
#include "event/bus.h"
#include "sys/outlet.h"
#include "sys/signals.h"

namespace procrun::engine {

/// What `spawn` was asked for.
struct SinglePlan {
  job::Job job;
  std::string text;       // what the command is called before people
  std::string name = {};  // what its process is called
  job::Policy policy;
  bool quiet_ok = false;  // captured output is shown only if the command failed
  bool accounts = false;
};

/// How the command ended, and which signal asked us to end it, if one did.
struct SingleResult {
  job::Outcome outcome;
  int signal = 0;
};

/// Runs one job in a worker. Signals that procrun gets are passed on; INT, TERM and HUP also start
/// the stop plan, and the second of them kills, unless it is the first one told twice; TSTP stops
/// the command, its clocks and us. All signals must be blocked; those that this process ignores are
/// not acted on.
class SingleRun final : Local::Client {
 public:
  /// `err` is where the bus's sinks write.
  SingleRun(SinglePlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err);

  /// Blocks. Throws std::runtime_error where procrun itself fails.
  SingleResult run();

 private:
  bool has_job() const override { return !given_; }
  std::optional<job::Job> next_job(unsigned slot) override;
  bool plenty() const override { return false; }
  void take(const event::Event& event) override;
  void ended(std::uint64_t seq, job::Supervised result, const job::SpillFile& spill) override;
  void returned(std::uint64_t seq) override;
  void broke(std::uint64_t seq, const std::string& why) override;

  void tell(const event::Event& event);
  void tell_end(std::uint64_t seq, const job::Supervised& result);
  void give_up(const std::string& why);
  void serve();
  bool flushed();
  void obey_signals();
  bool is_limited() const;
  void stand_still();
  void wait_for_reader();

  SinglePlan plan_;
  bool given_ = false;
  event::JobRecord record_;
  const event::Bus& bus_;
  sys::Outlet& out_;
  sys::Outlet& err_;
  sys::Poller poller_;
  sys::SignalFd signals_;
  Local local_;
  bool over_ = false;
  std::string broken_;
  SingleResult result_;
  StopRequest stop_request_;
};

/// The order that a signal is to a command which we own, or nothing for those that are our own
/// affair. A terminal has told the command itself, where it is in our process group.
std::optional<job::Order> order_for(const signalfd_siginfo& info, bool stops);

}  // namespace procrun::engine
