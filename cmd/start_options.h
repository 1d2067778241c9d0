#pragma once
// Which of a pool's jobs is the next, and what holds it back although a slot is free.
#include "cmd/options.h"
#include "engine/gates.h"

namespace procrun::cmd {

struct StartOptions {
  engine::GateRules gates;
  bool longest_first = false;
};

void add_start_options(Options& options, StartOptions& start);

}  // namespace procrun::cmd
