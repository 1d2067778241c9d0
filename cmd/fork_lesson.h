#pragma once
// fork without COMMAND: a parent and a child, both run on.

namespace procrun::cmd {

/// Plays the lesson, in this process and its child; the exit code.
int run_fork_lesson();

}  // namespace procrun::cmd
