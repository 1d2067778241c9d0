#include "process/exit_status.h"

#include <fmt/core.h>

#include "sys/signals.h"

namespace procrun {

std::string ExitStatus::text() const {
  if (continued()) return "continued";
  if (stopped()) {
    return fmt::format("stopped by signal {} ({})", stop_signal(), sys::signal_name(stop_signal()));
  }
  if (exited()) return fmt::format("exited with code {}", code());
  return fmt::format("killed by signal {} ({}){}", term_signal(), sys::signal_name(term_signal()),
                     core_dumped() ? ", core dumped" : "");
}

}  // namespace procrun
