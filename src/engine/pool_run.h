#pragma once
// A pool's run from the first item to the last line of output.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/backlog.h"
#include "engine/delivery.h"
#include "engine/foreground.h"
#include "engine/gates.h"
#include "engine/halt.h"
#include "engine/in_hand.h"
#include "engine/local.h"
#include "engine/pace.h"
#include "engine/recipe.h"
#include "engine/results.h"
#include "engine/slot_source.h"
#include "engine/stop_request.h"
#include "engine/tally.h"
#include "event/bus.h"
#include "sys/outlet.h"
#include "sys/signals.h"

namespace procrun::engine {

/// What `pool` was asked for.
struct PoolPlan {
  Recipe recipe;
  Backlog::Options backlog;
  std::optional<input::Template> tag;
  unsigned slots = 1;
  SlotSource* slot_source = nullptr;  // changes that number while the run goes on; borrowed
  job::Policy policy;
  bool keep_order = false;
  std::optional<Results> results = std::nullopt;
  GateRules gates = {};
  int timeout_percent = 0;  // of the median of the jobs that ended well; 0: no limit
  HaltRule halt = {};
  bool drains_on_hangup = false;     // SIGHUP starts nothing more, but ends nothing either
  Tokens* tokens = nullptr;          // null: as many jobs at once as there are slots; borrowed
  Foreground* foreground = nullptr;  // the one job at a time has the terminal from it; borrowed
};

/// The jobs of a plan, run by workers of this machine. All signals must be blocked; those that
/// this process ignores are not acted on.
class PoolRun final : Local::Client {
 public:
  PoolRun(PoolPlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err);

  /// Runs it all. Blocks. Throws where procrun itself fails, after ending every job.
  PoolResult run();

 private:
  /// How far the run has come with ending before its jobs have.
  enum class Ending : std::uint8_t { No, Draining, Stopping };

  bool has_job() const override;
  std::optional<job::Job> next_job(unsigned slot) override;
  bool plenty() const override;
  void take(const event::Event& event) override;
  void wrote(std::uint64_t seq, const HandedOn& lines, const job::SpillFile& spill) override;
  void ended(std::uint64_t seq, job::Supervised result, const job::SpillFile& spill) override;
  void returned(std::uint64_t seq) override;
  void broke(std::uint64_t seq, const std::string& why) override;

  void round();
  void let_workers_go();
  void serve(const sys::Deadline& patience);
  void watch();
  void change_slots();
  void obey_signals();
  void drain() noexcept;
  void stop(int signal);
  void stand_still(int signal);
  void stop_with_job();
  void take_terminal_back(const job::Outcome& outcome);
  void list_running();
  bool race_is_won() const;
  void tell_end(JobInHand& one, const job::Supervised& result);
  void show_standing();
  void tell(const event::Event& event);
  void add_details(JobInHand& one) const;
  void give_up(const std::string& why);
  bool may_start() const;
  bool has_place() const;
  bool next_fits() const;
  bool is_held_by_gate() const;
  sys::Deadline deadline() const;
  void end_slow_ones();
  bool all_done() const;
  void count_tokens();
  void halt_if_due(const job::Outcome& outcome);
  void skipped(std::uint64_t seq, const std::string& why);

  PoolPlan plan_;
  const event::Bus& bus_;
  sys::Outlet& out_;
  sys::Outlet& err_;
  event::Interest interest_;
  bool keeps_records_;

  sys::Poller poller_;
  sys::Watch out_watch_;
  sys::Watch err_watch_;
  sys::Watch input_watch_;
  sys::Watch tokens_watch_;
  sys::SignalFd signals_;
  Delivery delivery_;
  Backlog backlog_;
  Local local_;

  mutable Gates gates_;  // asking them is no act of ours
  Pace pace_;
  InHand in_hand_;
  Ending ending_ = Ending::No;
  StopRequest stop_request_;
  bool hung_up_ = false;
  std::string broken_;  // why procrun gives the run up
  Tally tally_;
};

}  // namespace procrun::engine
