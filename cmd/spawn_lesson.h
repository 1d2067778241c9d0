#pragma once
// spawn without COMMAND: a Process with its target and arguments, started and joined.
#include <optional>
#include <string>
#include <vector>

#include "cmd/chronicle.h"
#include "cmd/options.h"

namespace procrun::cmd {

/// Python's two ways to start a Process: a copy of the parent, or a fresh program, which is told
/// what to run.
enum class StartMethod { Fork, Spawn };

struct SpawnLesson {
  std::string name;  // this and the next one: empty, if not given; the tool's story has them, too
  std::string used_for;
  bool no_join = false;
  std::optional<StartMethod> start_method;  // empty: Fork, of which nothing is said
  bool explains = false;
};

/// Declares its options.
void add_spawn_lesson(Options& options, SpawnLesson& lesson);

/// Plays the lesson, in this process and its child; the exit code.
int run_spawn_lesson(const SpawnLesson& lesson, Chronicle& chronicle);

/// Whether this program was started by the lesson to run what it is told.
bool is_fresh_process(const std::vector<std::string>& words);
/// Runs it; the exit code.
int run_fresh_process(const std::vector<std::string>& words);

}  // namespace procrun::cmd
