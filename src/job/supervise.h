#pragma once
// One command from start to end: spawn, capture, timeout, its whole tree.
#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "event/event.h"
#include "job/job.h"
#include "job/output.h"
#include "sys/clock.h"

namespace procrun::job {

/// What the caller of supervise() says meanwhile.
struct Order {
  enum class Kind : std::uint8_t {
    Forward,  // send the signal to the command (Policy::reach); when it has ended, to those that
              // the job waits for
    Stop,     // run the stop plan, its first signal replaced by this one, if any; again: kill
    Abandon,  // nobody waits for the job any more: a short stop plan
    Pause,    // stop the tree with the signal, and the clocks
    Resume,   // continue both
    TimeUp,   // the attempt (of that number) has run for too long
    Turn,     // what it writes may go out as it comes (OutputPolicy::takes_turns)
  };
  Kind kind = Kind::Forward;
  int signal = 0;
  /// The terminal has sent the signal to our process group already.
  bool group_has_it = false;
  /// What it was sent with (sigqueue(3)), if anything.
  std::optional<std::uint64_t> value = std::nullopt;
  unsigned attempt = 1;
};

/// Whole lines that the command has written while it runs (OutputPolicy::by_line).
struct Lines {
  Captured output;
  std::array<std::uint64_t, 2> sizes{};  // bytes of stdout and stderr
};

/// Where events go, and where orders come from.
class Context {
 public:
  virtual ~Context() = default;
  virtual void emit(const event::Event& event) = 0;
  /// Whether anyone wants to hear of JobStart, Exec and Reap; the others are always emitted.
  virtual bool listens() const = 0;
  /// Whether anyone wants to hear of Fork, Exit, Continued and Orphan, too.
  virtual bool wants_details() const { return false; }
  /// Whether anyone wants to know what cannot be told afterwards (running out of memory).
  virtual bool accounts() const { return false; }
  /// The tree has been stopped: a context that stands in the foreground stops too, and orders to
  /// resume when it goes on.
  virtual void stand_still() {}
  /// The command runs; `pid` is its number.
  virtual void started([[maybe_unused]] pid_t pid) {}
  /// It was stopped, or has ended.
  virtual void changed([[maybe_unused]] pid_t pid, [[maybe_unused]] ExitStatus status) {}
  /// Readable when there may be an order, or a child has changed (SIGCHLD). At most two.
  virtual std::span<const int> inbox() const = 0;
  /// Takes in what has come on inbox()[which], which is readable.
  virtual void hear(std::size_t which) = 0;
  /// The next order of those taken in. Never blocks.
  virtual std::optional<Order> next_order() = 0;
  /// What was emitted may be held back until then, and is sent by flush(); other work that can wait
  /// is done there, too.
  virtual sys::Deadline flush_by() const { return std::nullopt; }
  virtual void flush() {}
  /// Where output goes that does not fit in memory.
  virtual Spill& spill() = 0;
  /// Where the pipes for output come from. Blocks no longer than a system call.
  virtual Pipes& pipes() = 0;
  /// So many bytes of stream 1 or 2 it takes now in Lines; it takes more all the same, but then
  /// they stand in the spill file. 0: until an order has come, or what looks like one.
  virtual std::size_t room(int /*stream*/) const { return 0; }
  /// Takes lines of the job by_line; what it does not show yet counts against room(). Never blocks.
  virtual void take(Lines&& lines);
};

struct Supervised {
  Outcome outcome;
  Captured output;
};

/// Runs the job's command, again if the policy has it so, and returns when it has ended and nothing
/// of its tree is left that the policy does not let live. Blocks, in one wait. The caller has
/// blocked all signals and has no other children; where it is a subreaper, processes that leave the
/// tree are found as well. Throws std::system_error where procrun itself fails (no pipe, a full
/// spill file); nothing of the command is left then either.
Supervised supervise(const Job& job, const Policy& policy, Context& context);

}  // namespace procrun::job
