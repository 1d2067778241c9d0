#pragma once
// The jobs that are still to be run: rows of items, read as they are needed.
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "engine/identity.h"
#include "engine/past.h"
#include "engine/recipe.h"
#include "input/inputs.h"

namespace procrun::engine {

/// A row on its way to become a job.
struct Waiting {
  std::uint64_t seq = 0;
  std::vector<std::string> row = {};
  Identity identity = {};
};

/// Reads no further than it has to, so that memory does not grow with the inputs, and leaves out
/// what the past says need not be run again.
class Backlog {
 public:
  struct Options {
    input::Inputs inputs;
    Past past;
    std::optional<Identities> identities;  // where somebody wants them
  };
  /// What the owner is told while rows are read.
  struct Listener {
    std::function<void(std::uint64_t seq)> left_out;
    std::function<void(const Waiting& waiting)> was_in_flight;
  };

  /// `recipe` is borrowed.
  Backlog(Options options, const Recipe& recipe, Listener listener);

  /// Reads until so many rows wait. Never blocks. Throws what the inputs throw, and where the past
  /// does not fit.
  void read(std::size_t wanted);
  /// The descriptor that more rows wait for, if fewer than so many are there; else -1.
  int wait_fd(std::size_t wanted) const;

  bool empty() const noexcept { return rows_.empty(); }
  std::size_t size() const noexcept { return rows_.size(); }
  /// There is none, and none will come.
  bool exhausted() const noexcept { return ended_ && rows_.empty(); }
  /// How many there are in all; empty: not known yet.
  std::optional<std::uint64_t> total() const;

  Waiting take();
  /// It comes back unstarted, to be the next.
  void give_back(Waiting waiting);

 private:
  bool is_to_run(const Waiting& waiting);

  input::Inputs inputs_;
  Past past_;
  std::optional<Identities> identities_;
  const Recipe& recipe_;
  Listener listener_;
  std::deque<Waiting> rows_;
  std::uint64_t seqs_ = 0;
  std::uint64_t left_out_ = 0;
  bool ended_ = false;
};

}  // namespace procrun::engine
