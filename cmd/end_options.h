#pragma once
// When a pool's run ends before its jobs have.
#include "cmd/options.h"
#include "engine/halt.h"

namespace procrun::cmd {

struct EndOptions {
  engine::HaltRule halt;
  bool drains_on_hangup = false;
};

void add_end_options(Options& options, EndOptions& end);

}  // namespace procrun::cmd
