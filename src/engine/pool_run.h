#pragma once
// A pool's run from the first item to the last line of output.
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "engine/local.h"
#include "engine/printer.h"
#include "engine/recipe.h"
#include "event/bus.h"
#include "input/inputs.h"
#include "sys/outlet.h"
#include "sys/signals.h"

namespace procrun::engine {

/// What `pool` was asked for.
struct PoolPlan {
  Recipe recipe;
  input::Inputs inputs;
  std::optional<input::Template> tag;
  unsigned slots = 1;
  job::Policy policy;
  bool keep_order = false;
};

/// How the run ended.
struct PoolResult {
  std::uint64_t jobs = 0;  // that were begun
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  int signal = 0;  // that ended it; SIGPIPE: nobody reads our output any more
};

/// The jobs of a plan, run by workers of this machine. All signals must be blocked; those that
/// this process ignores are not acted on.
class PoolRun final : Local::Client {
 public:
  PoolRun(PoolPlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err);

  /// Runs it all. Blocks. Throws where procrun itself fails, after ending every job.
  PoolResult run();

 private:
  using Row = std::vector<std::string>;
  struct Pending {
    std::uint64_t seq;
    Row row;
  };

  bool has_job() const override { return !pending_.empty() && !stopping_; }
  std::optional<job::Job> next_job(unsigned slot) override;
  bool plenty() const override;
  void take(const event::Event& event) override;
  void ended(std::uint64_t seq, job::Supervised result, int spill_fd) override;
  void returned(std::uint64_t seq) override;
  void broke(std::uint64_t seq, const std::string& why) override;

  void round();
  void serve(const sys::Deadline& patience);
  bool flushed();
  void read_inputs();
  void watch_inputs();
  std::size_t wanted_pending() const;
  void watch(sys::Outlet& outlet, bool& watched, std::uint64_t id);
  void obey_signals();
  void stop(int signal);
  void stand_still(int signal);
  void give_up(const std::string& why);
  bool may_start() const;
  bool all_done() const;
  void count(std::uint64_t seq, const job::Outcome& outcome);
  std::string text_of(std::uint64_t seq) const;
  std::string summary() const;

  PoolPlan plan_;
  const event::Bus& bus_;
  sys::Outlet& out_;
  sys::Outlet& err_;
  bool listens_;

  sys::Poller poller_;
  sys::SignalFd signals_;
  Printer printer_;
  Local local_;

  std::deque<Pending> pending_;
  std::map<std::uint64_t, std::pair<Row, job::Job>> in_hand_;
  std::uint64_t seqs_ = 0;
  bool inputs_ended_ = false;
  int watched_input_ = -1;
  bool out_watched_ = false;
  bool err_watched_ = false;
  bool stopping_ = false;
  std::string broken_;         // why procrun gives the run up
  std::string first_failure_;  // for the summary
  PoolResult result_;
};

}  // namespace procrun::engine
