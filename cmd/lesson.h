#pragma once
// Sleeping in lessons, at the speed that was asked for.
#include "cmd/options.h"

namespace procrun::cmd {

/// How much faster a lesson's sleeps pass.
struct Speed {
  double factor = 1.0;
  /// Sleeps so many lesson seconds. Blocks.
  void sleep(double seconds) const;
};

/// Declares --speed.
void add_speed(Options& options, Speed& speed);

}  // namespace procrun::cmd
