#pragma once
// --tty: one job at a time has the terminal.
#include <optional>

#include "cmd/pool_inputs.h"
#include "engine/foreground.h"
#include "input/command_line.h"
#include "job/job.h"
#include "sys/fd.h"

namespace procrun::cmd {

/// Refuses items that are to be typed on the terminal that the jobs are to have.
void refuse_typed_items(const input::CommandLine& line, const InputOptions& inputs);

/// The terminal, for the jobs of a pool.
class JobTerminal {
 public:
  /// Opens it, if it is wanted. Signals must be blocked. Throws std::runtime_error where there is
  /// none.
  explicit JobTerminal(bool wanted);
  /// Has `policy` give it to the job, if it is wanted.
  void give_by(job::Policy& policy) const;
  /// Null: it is not wanted.
  engine::Foreground* foreground() noexcept { return foreground_ ? &*foreground_ : nullptr; }

 private:
  std::optional<engine::Foreground> foreground_;
  sys::Fd in_;
};

}  // namespace procrun::cmd
