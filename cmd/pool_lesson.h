#pragma once
// pool without COMMAND: workers that take task after task.
#include "cmd/chronicle.h"
#include "cmd/lesson.h"
#include "cmd/options.h"

namespace procrun::cmd {

struct PoolLesson {
  Speed speed;
  bool explains = false;
  int tasks = 5;
  int kill_worker = 0;  // from 1; 0: none
};

/// Declares its options, beside -j.
void add_pool_lesson(Options& options, PoolLesson& lesson);

/// Plays the lesson with so many workers; the exit code. Of its tasks the chronicle knows nothing:
/// they are functions, no processes.
int run_pool_lesson(const PoolLesson& lesson, unsigned count, Chronicle& chronicle);

}  // namespace procrun::cmd
