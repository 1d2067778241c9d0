#pragma once
// The worker's side of a job: the function that a pool's worker calls to run a command.
#include <array>
#include <optional>

#include "engine/tokens.h"
#include "job/supervise.h"
#include "pool/worker.h"
#include "sys/signals.h"

namespace procrun::engine {

/// What a worker needs for jobs besides the job itself. Made before the fork, so that each worker
/// has a copy at the same address; opened in the worker.
struct Workshop {
  job::Policy policy;
  bool listens = false;  // somebody wants to hear of starts
  bool details = false;  // and of all that is known
  bool accounts = false;
  bool once = false;  // the worker goes after its first job
  job::Spill spill;
  job::Pipes pipes;
  Tokens* tokens = nullptr;  // null: jobs need none
  unsigned slot = 0;
  pid_t front = 0;
  std::size_t window = 0;  // bytes of a stream that the front may have and not have written out
  std::optional<sys::SignalFd> signals = std::nullopt;

  /// To be called in a new worker: makes it a subreaper that hears of its children's ends and of
  /// the front's.
  void open();
  /// To be called when the worker leaves because the front is gone.
  void abandon() noexcept;
};

/// The bytes of a call that runs `job` in a worker with that workshop.
pool::Writer make_job_call(const Workshop& workshop, const job::Job& job);

}  // namespace procrun::engine
