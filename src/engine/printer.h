#pragma once
// Jobs' output on its way out: each job's in one piece, in the order asked for.
#include <cstdint>
#include <map>
#include <string_view>

#include "job/captured.h"
#include "sys/outlet.h"

namespace procrun::engine {

/// Writes what jobs wrote, stdout and stderr each to its own. Every job is to be told of, also one
/// that wrote nothing, or those after it would wait for it for ever (keep order).
class Printer {
 public:
  Printer(sys::Outlet& out, sys::Outlet& err, bool keep_order)
      : out_{out}, err_{err}, keep_order_{keep_order} {}

  /// `spill` is where output is that is not in memory; it stays open. Throws std::system_error
  /// where it can neither write nor keep it.
  void print(std::uint64_t seq, job::Captured output, const job::SpillFile& spill);
  /// The job that is next in the order that is kept.
  std::uint64_t turn() const noexcept { return turn_; }
  /// Prints what still waits for its turn: nothing comes before it any more.
  void finish();

 private:
  struct Held {
    job::Captured output;
    job::SpillFile spill;
  };

  void emit(const Held& held);
  void put_aside(Held& held);

  sys::Outlet& out_;
  sys::Outlet& err_;
  bool keep_order_;
  std::uint64_t turn_ = 1;
  std::map<std::uint64_t, Held> waiting_;
  std::size_t in_memory_ = 0;  // of what waits
  sys::Fd aside_;              // the rest of it
  std::uint64_t aside_end_ = 0;
};

}  // namespace procrun::engine
