#pragma once
// What jobs wrote, on its way to whoever reads it.
#include <cstdint>
#include <optional>

#include "engine/in_hand.h"
#include "engine/local.h"
#include "engine/printer.h"
#include "engine/receipts.h"
#include "engine/results.h"
#include "sys/outlet.h"
#include "sys/poller.h"

namespace procrun::engine {

/// To stdout and stderr, in the order asked for, or into files of results; and whose turn it is to
/// write there itself.
class Delivery {
 public:
  struct Options {
    bool keep_order = false;
    std::optional<Results> results = std::nullopt;
    bool by_line = false;      // OutputPolicy::by_line
    bool takes_turns = false;  // OutputPolicy::takes_turns
  };

  Delivery(Options options, sys::Outlet& out, sys::Outlet& err);

  /// Lines of a job that runs. Unwanted ones are dropped; a receipt is owed all the same.
  void lines(JobInHand& one, const HandedOn& lines, const job::SpillFile& spill, bool wanted);
  /// All that was kept of a job that has ended; `spill` has no descriptor where nothing is known.
  void whole(JobInHand& one, job::Captured output, const job::SpillFile& spill, bool wanted);
  /// The job with that seq writes nothing: those after it do not wait for it.
  void nothing(std::uint64_t seq) { printer_.print(seq, {}, {}); }
  /// No job comes any more.
  void finish() { printer_.finish(); }

  /// Writes what goes now, and tells workers of it. True when nothing waits any more.
  bool flush(Local& local);
  /// Few enough bytes wait for their reader that more jobs may be started.
  bool has_room() const noexcept;

  /// When the job whose output is the next, and is kept by its worker, is to show what it writes as
  /// it comes.
  sys::Deadline turn_due(InHand& jobs);
  /// Tells it so once that is due.
  void give_turn(InHand& jobs, Local& local);

 private:
  JobInHand* waits_for_turn(InHand& jobs);
  void save(JobInHand& one, const job::Captured& output, const job::SpillFile& spill);

  Options options_;
  sys::Outlet& out_;
  sys::Outlet& err_;
  Printer printer_;
  Receipts receipts_;
};

}  // namespace procrun::engine
