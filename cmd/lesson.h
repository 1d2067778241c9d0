#pragma once
// What the lessons share: the speed that was asked for, and the sentences beside the facts.
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

#include "cmd/options.h"
#include "sys/clock.h"

namespace procrun::cmd {

/// How much faster a lesson's sleeps pass.
struct Speed {
  double factor = 1.0;
  /// Sleeps so many lesson seconds. Blocks.
  void sleep(double seconds) const;
  /// What so long a time is at this speed.
  sys::Duration of(sys::Duration time) const;
};

/// Declares --speed.
void add_speed(Options& options, Speed& speed);

/// Declares --explain.
void add_explain(Options& options, bool& explains);

/// The sentences as lines, each marked with a # as a comment is; without the last newline.
std::string explanation(std::initializer_list<std::string_view> sentences);
/// Prints that, if it is wanted.
void explain(bool wanted, std::initializer_list<std::string_view> sentences);

/// Plays `lesson`, whose waits are to meet its own children alone: in a forked copy, where whoever
/// executed us left us some (`sleep 60 & exec procrun wait`). Its exit code.
int play_without_inherited(const std::function<int()>& lesson);

/// Called in a forked child: it dies when `parent` does (prctl(2), PR_SET_PDEATHSIG), so that a
/// lesson which is killed leaves nobody behind.
void die_with(pid_t parent);

}  // namespace procrun::cmd
