#pragma once
// fork without COMMAND: a parent and a child, both run on; and what can become of them.
#include <optional>
#include <string>

#include "cmd/lesson.h"
#include "cmd/options.h"
#include "cmd/shared.h"
#include "cmd/timeline.h"
#include "sys/clock.h"

namespace procrun::cmd {

struct ForkLesson {
  Speed speed;
  bool explains = false;
  std::optional<sys::Duration> zombie;  // these two: for so long
  std::optional<sys::Duration> orphan;
  bool memory = false;
  std::string events;  // what --events names
  TimelineOptions timeline;
  std::optional<int> count;
  std::optional<int> max_children;
};

/// Declares its options.
void add_fork_lesson(Options& options, ForkLesson& lesson);

/// Plays the lesson, in this process and its children; the exit code. Throws UsageError where
/// options contradict each other.
int run_fork_lesson(const ForkLesson& lesson, const Shared& shared);

}  // namespace procrun::cmd
