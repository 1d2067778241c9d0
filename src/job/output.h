#pragma once
// What a command writes: left to it, kept until it has ended, handed on line by line, or passed on
// as it comes.
#include <poll.h>

#include <array>
#include <optional>
#include <span>
#include <string_view>

#include "job/captured.h"
#include "job/decorate.h"
#include "job/job.h"
#include "job/kept.h"
#include "job/line_buffer.h"
#include "job/pipes.h"
#include "sys/fd.h"
#include "sys/outlet.h"

namespace procrun::job {

/// The stdout and stderr of one attempt of a command.
class CommandOutput {
 public:
  /// `tag` goes before every line; `pattern` may be null; where the policy has it by line, `lines`
  /// takes them, else it is null. All are borrowed.
  CommandOutput(const OutputPolicy& policy, Spill& spill, Pipes& pipes, std::string_view tag,
                const Pattern* pattern, LineBuffer* lines);

  /// Takes pipes, where the policy needs them. The command's ends are to be closed once it has
  /// ended, and not before: while we hold them too, its end does not wake us by the ends of its
  /// pipes, only for the status to come a moment later.
  void open();
  /// The descriptor for the command's stream 1 or 2; -1: it inherits ours.
  int command_end(int stream) const noexcept;
  void close_command_ends() noexcept;

  /// Fills in what to poll for, at most four; returns how many.
  std::size_t watch(std::span<pollfd> fds);
  /// What was kept goes out now, and what comes goes straight out, or is handed on line by line. No
  /// effect where it does already.
  void take_turn();
  /// True once: there is more than fits in memory, and nothing is read for a moment (until
  /// deadline()) in which the turn may come, since a spill file costs far more than waiting.
  bool asks_for_turn();
  /// When watch() has something to do again.
  sys::Deadline deadline() const noexcept { return lines_ ? lines_->due() : holds_until_; }

  /// Reads and writes on what is ready. True if the command has written something. Throws
  /// std::system_error where it cannot be kept or passed on.
  bool serve(std::span<const pollfd> fds);
  /// To be called when the command has ended, until it returns true: reads what the pipes still
  /// hold, as far as it can be passed on now, but not what somebody goes on writing for ever.
  bool wind_up();
  /// What was kept. To be called when all is wound up, or is to be given up.
  Captured finish();

  bool wrote_stderr() const noexcept { return wrote_stderr_; }
  bool too_much() const noexcept { return policy_.most && total_ > *policy_.most; }
  bool found_pattern();

 private:
  static constexpr std::size_t kMostInPipe = std::size_t{1} << 20;  // pipe-max-size of pipe(7)

  struct Stream {
    sys::Pipe pipe;
    sys::Outlet* outlet = nullptr;  // of outlets_
    LineStarts starts;
    LineSearch search;
    std::string begun = {};          // the beginning of a line, of what is kept
    std::size_t left = kMostInPipe;  // to be read once the command has ended
    bool is_grown = false;           // the pipe
  };

  Stream& stream(int number) noexcept { return streams_[static_cast<std::size_t>(number - 1)]; }
  const Stream& stream(int number) const noexcept {
    return streams_[static_cast<std::size_t>(number - 1)];
  }
  bool is_held();
  void open_outlets();
  bool read(int number);
  bool splice(Stream& one);
  std::size_t room(int number) const;
  static void grow(Stream& one);
  void take(int number, std::string_view bytes);
  void keep_lines(int number, std::string_view bytes);

  const OutputPolicy& policy_;
  Output mode_;
  Spill& spill_;
  Pipes& pipes_;
  const Pattern* pattern_;
  LineBuffer* lines_;
  std::optional<sys::Outlets> outlets_;
  std::array<Stream, 2> streams_;
  bool may_splice_ = false;
  bool asked_ = false;
  sys::Deadline holds_until_;
  bool wrote_stderr_ = false;
  std::uint64_t total_ = 0;
  std::uint64_t stdout_bytes_ = 0;
  bool ended_ = false;  // the command
  Kept kept_;
};

}  // namespace procrun::job
