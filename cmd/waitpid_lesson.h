#pragma once
// waitpid without PID: a parent that waits for one chosen child.
#include "cmd/chronicle.h"
#include "cmd/lesson.h"
#include "cmd/options.h"

namespace procrun::cmd {

struct WaitpidLesson {
  Speed speed;
  bool explains = false;
  bool nohang = false;  // the tool's as well
  bool untraced = false;
  bool continued = false;
};

/// Declares its options.
void add_waitpid_lesson(Options& options, WaitpidLesson& lesson);

/// Plays the lesson, in this process and its children; the exit code.
int run_waitpid_lesson(const WaitpidLesson& lesson, Chronicle& chronicle);

}  // namespace procrun::cmd
