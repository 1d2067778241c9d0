#pragma once
// fork without COMMAND: a parent and a child, both run on; and what can become of them.
#include <optional>

#include "cmd/chronicle.h"
#include "cmd/lesson.h"
#include "cmd/options.h"
#include "sys/clock.h"

namespace procrun::cmd {

struct ForkLesson {
  Speed speed;
  bool explains = false;
  std::optional<sys::Duration> zombie;  // these two: for so long
  std::optional<sys::Duration> orphan;
  bool memory = false;
  std::optional<int> count;
  std::optional<int> max_children;
};

/// Declares its options.
void add_fork_lesson(Options& options, ForkLesson& lesson);

/// Throws UsageError where options contradict each other.
void check_fork_lesson(const ForkLesson& lesson);

/// Plays the lesson, in this process and its children; the exit code.
int run_fork_lesson(const ForkLesson& lesson, Chronicle& chronicle);

}  // namespace procrun::cmd
