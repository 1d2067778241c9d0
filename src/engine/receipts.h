#pragma once
// What workers want to hear of lines that they handed on: that they have been written out.
#include <cstdint>
#include <vector>

#include "engine/local.h"
#include "sys/outlet.h"

namespace procrun::engine {

/// Receipts that are due when the reader of our output has taken so much of it that little is left.
/// So a reader that sleeps makes jobs wait, and memory does not fill.
class Receipts {
 public:
  Receipts(const sys::Outlet& out, const sys::Outlet& err) : out_{out}, err_{err} {}

  void owe(std::uint64_t seq, const Receipt& receipt);
  /// Gives those that are due; to be called when output has been flushed.
  void give(Local& local);

 private:
  struct Owed {
    std::uint64_t seq;
    Receipt receipt;
  };

  const sys::Outlet& out_;
  const sys::Outlet& err_;
  std::vector<Owed> owed_;
};

}  // namespace procrun::engine
