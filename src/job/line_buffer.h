#pragma once
// A job's output line by line: what is whole is handed on at once, what is begun waits for its end.
#include <array>
#include <cstdint>
#include <string_view>

#include "job/begun_line.h"
#include "job/kept.h"
#include "sys/clock.h"

namespace procrun::job {

class Context;

/// The lines of both streams, through all attempts at a job, on their way to its context.
class LineBuffer {
 public:
  /// Without the turn, lines are kept until it comes, and it is asked for. `context` is borrowed.
  LineBuffer(Context& context, std::uint64_t seq, bool has_turn);

  /// So many bytes of a stream may come now; 0: as long as its reader has not taken what it has.
  std::size_t room(int stream) const;
  void add(int stream, std::string_view bytes);
  /// The attempt is over: what was begun has no end.
  void end_lines();
  /// Hands on what is due: lines that came together go together.
  void look(sys::Clock::time_point now);
  sys::Deadline due() const noexcept { return due_; }
  /// Hands on what there is.
  void hand_on();
  void give_turn();
  /// What is left, to be taken with the outcome.
  Captured take_rest();

 private:
  BegunLine& begun(int stream) noexcept { return begun_[static_cast<std::size_t>(stream - 1)]; }
  std::uint64_t size_of(int stream) const noexcept {
    return kept_.sizes()[static_cast<std::size_t>(stream - 1)];
  }
  bool is_enough() const;

  Context& context_;
  std::uint64_t seq_;
  Kept kept_;
  std::array<BegunLine, 2> begun_;
  bool has_turn_;
  bool asked_ = false;  // for the turn
  sys::Deadline due_;
};

}  // namespace procrun::job
