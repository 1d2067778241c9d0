#pragma once
// spawn without COMMAND: a Process with its target and arguments, started and joined.
#include <string>

#include "cmd/options.h"

namespace procrun::cmd {

struct SpawnLesson {
  std::string name;  // this and the next one: empty, if not given; the tool's story has them, too
  std::string used_for;
  bool no_join = false;
};

/// Declares its options.
void add_spawn_lesson(Options& options, SpawnLesson& lesson);

/// Plays the lesson, in this process and its child; the exit code.
int run_spawn_lesson(const SpawnLesson& lesson);

}  // namespace procrun::cmd
