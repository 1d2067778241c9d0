#pragma once
// Who among a front and its workers holds which of the jobserver's tokens.
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>

#include "engine/jobserver.h"
#include "sys/shared_memory.h"

namespace procrun::engine {

/// The tokens of the jobs in hand, one slot each, in memory that is shared with the workers: the
/// worker gives its job's token back when the job ends, also when the front is gone by then; the
/// front does it for a worker that was lost. Whoever takes it out of the shared memory has it, so
/// that it is given back once.
class Tokens {
 public:
  /// To be made before the workers. Where the jobserver is our own, it is `server`; borrowed.
  Tokens(JobserverClient jobserver, unsigned slots, JobserverServer* server = nullptr);
  /// In the process that made it: gives back all that is out. The workers must have ended.
  ~Tokens();
  Tokens(const Tokens&) = delete;
  Tokens& operator=(const Tokens&) = delete;

  // For the front.

  /// Whether a job may start, as far as can be known without taking its token.
  bool ready() const noexcept { return !implicit_ || jobserver_.has_token(); }
  /// Readable when ready() may have become true.
  int fd() const noexcept { return jobserver_.fd(); }
  /// Takes a token for the job that `slot` gets; the one that we were started with first, which is
  /// in no pipe. False where there is none.
  bool take(unsigned slot);
  /// The job has ended, in whatever way, or was not begun.
  void release(unsigned slot) noexcept;
  /// To be called when no job is in hand: how many tokens of our own jobserver its clients have
  /// failed to give back since the beginning.
  unsigned count_lost();

  // For the worker of `slot`, and for release().

  void give_back(unsigned slot) noexcept;
  /// The front is gone.
  void abandon(unsigned slot) noexcept;

 private:
  using Place = std::atomic<std::uint16_t>;  // 0: empty, else kTaken and the token
  static_assert(Place::is_always_lock_free);

  JobserverClient jobserver_;
  JobserverServer* server_;
  pid_t owner_;
  unsigned slots_;
  sys::SharedMemory memory_;
  Place* places_;                     // in it, one for each slot
  std::optional<unsigned> implicit_;  // the slot whose job needs no token
  unsigned in_hand_ = 0;
  unsigned lost_ = 0;
};

}  // namespace procrun::engine
