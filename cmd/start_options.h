#pragma once
// What holds a pool's next job back although a slot is free.
#include "cmd/options.h"
#include "engine/gates.h"

namespace procrun::cmd {

struct StartOptions {
  engine::GateRules gates;
};

void add_start_options(Options& options, StartOptions& start);

}  // namespace procrun::cmd
