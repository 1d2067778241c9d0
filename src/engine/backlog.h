#pragma once
// The jobs that are still to be run: rows of items, read as they are needed.
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>

#include "engine/dependencies.h"
#include "engine/durations.h"
#include "engine/past.h"
#include "engine/waiting.h"

namespace procrun::engine {

/// Reads no further than it has to, so that memory does not grow with the inputs, leaves out what
/// the past says need not be run again, and holds back what is after jobs that have not ended.
class Backlog {
 public:
  struct Options {
    std::unique_ptr<input::Rows> rows;
    Past past;
    std::optional<Identities> identities;                   // where somebody wants them
    std::optional<Durations> longest_first = std::nullopt;  // all are read before one is taken
    bool reads_far = false;  // as far as memory allows, so that the total is known soon
  };
  /// What the owner is told while rows are read.
  struct Listener {
    std::function<void(std::uint64_t seq)> left_out;
    std::function<void(const Waiting& waiting)> was_in_flight;
    std::function<void(const Waiting& waiting, const std::string& why)> skipped;
  };

  /// `recipe` is borrowed.
  Backlog(Options options, const Recipe& recipe, Listener listener);

  /// Reads until enough rows wait that so many slots need not, but not so many that they fill
  /// memory; and beyond a barrier only when all rows before it have been taken and `none_in_hand`
  /// of their jobs. Never blocks. Throws what the inputs throw, and where the past does not fit.
  void read(unsigned slots, bool none_in_hand);
  /// The descriptor that more rows wait for, if they are wanted; else -1.
  int wait_fd(unsigned slots) const;

  /// None can be taken now.
  bool empty() const noexcept { return size() == 0; }
  /// How many can be taken.
  std::size_t size() const noexcept { return is_arranged_ ? rows_.size() : 0; }
  /// There is none, and none will come.
  bool exhausted() const noexcept { return ended_ && none_left(); }
  /// How many there are in all, but for those that are skipped; empty: not known yet.
  std::optional<std::uint64_t> total() const;

  /// So many places the next one takes.
  unsigned next_cost() const noexcept { return rows_.front().json ? rows_.front().json->cost : 1; }
  Waiting take();
  /// It comes back unstarted, to be the next.
  void give_back(Waiting waiting);
  /// One that was taken has ended: those that are after it can be taken, or never will.
  void ended(const Waiting& waiting, const Dependencies::End& end);
  /// Its job has ended, and nobody reads what it got on stdin any more.
  void release(const Waiting& waiting);

 private:
  bool wants(unsigned slots) const;
  bool none_left() const noexcept { return rows_.empty() && dependencies_.held() == 0; }
  void sort_in(Waiting next);
  void leave_out(const Waiting& waiting, Fate fate);
  void take_in(Dependencies::Released released);
  Identity identify(const Waiting& waiting);
  Fate fate_of(const Waiting& waiting) const;
  std::string command(const Waiting& waiting) const;
  void arrange();

  std::unique_ptr<input::Rows> source_;
  Past past_;
  std::optional<Identities> identities_;
  const Recipe& recipe_;
  Listener listener_;
  Dependencies dependencies_;
  std::deque<Waiting> rows_;  // that need not wait for others
  std::optional<Durations> durations_;
  bool is_arranged_;
  bool reads_far_;
  std::size_t bytes_ = 0;  // of all that wait
  std::uint64_t seqs_ = 0;
  std::uint64_t left_out_ = 0;
  std::uint64_t skipped_ = 0;
  bool ended_ = false;
  bool at_barrier_ = false;
};

}  // namespace procrun::engine
