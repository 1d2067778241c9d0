#pragma once
// wait without COMMAND: a parent that reaps whichever child ends.
#include "cmd/chronicle.h"
#include "cmd/lesson.h"
#include "cmd/options.h"

namespace procrun::cmd {

struct WaitLesson {
  Speed speed;
  bool explains = false;
  int exit_code = 0;
  int kill = 0;
  int count = 1;
  bool childless = false;
};

/// Declares its options.
void add_wait_lesson(Options& options, WaitLesson& lesson);

/// Plays the lesson, in this process and its children; the exit code.
int run_wait_lesson(const WaitLesson& lesson, Chronicle& chronicle);

}  // namespace procrun::cmd
