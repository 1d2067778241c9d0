#pragma once
// waitpid without PID: a parent that waits for one chosen child.
#include <string>

#include "cmd/lesson.h"
#include "cmd/options.h"
#include "cmd/shared.h"
#include "cmd/timeline.h"

namespace procrun::cmd {

struct WaitpidLesson {
  Speed speed;
  bool explains = false;
  std::string events;  // what --events names
  TimelineOptions timeline;
  bool nohang = false;  // the tool's as well
  bool untraced = false;
  bool continued = false;
};

/// Declares its options.
void add_waitpid_lesson(Options& options, WaitpidLesson& lesson);

/// Plays the lesson, in this process and its children; the exit code.
int run_waitpid_lesson(const WaitpidLesson& lesson, const Shared& shared);

}  // namespace procrun::cmd
