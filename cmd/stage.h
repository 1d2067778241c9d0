#pragma once
// Where a lesson of several processes is played: by players, who wait for cues, and before the
// process that started them, who watches. Whatever happens, no player stays behind.
#include <array>
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/chronicle.h"
#include "process/child.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/signals.h"

namespace procrun::cmd {

/// A signal has told the lesson to end.
struct Interrupted {
  int signal = 0;
};

/// What one player waits for, and the watcher gives.
class Cue {
 public:
  enum class Heard { Given, TimeUp, Nobody };

  void give();
  /// In a player: blocks until it is given, or the deadline has passed, or nobody can give it any
  /// more, since the watcher has gone or wants an end.
  Heard await(const sys::Deadline& deadline = {}) const;

 private:
  friend class Stage;
  sys::Pipe pipe_ = sys::make_pipe();
};

/// INT, TERM, HUP and QUIT are blocked while it lives, in the players, too, and those that were not
/// ignored are heard while it waits.
class Stage {
 public:
  /// The chronicle is borrowed.
  Stage(bool explains, Chronicle& chronicle);
  /// Tells all players to end, and reaps the one that it started; kills it where it does not go.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// A new cue; before start().
  Cue& cue();
  Chronicle& chronicle() { return chronicle_; }
  /// Forks the one player that is ours, which plays `part` and leaves. It may fork others.
  pid_t start(const std::function<void()>& part);
  /// Waits until it has ended, and reaps it. Throws Interrupted.
  ExitStatus join();

  /// In a player: tells the watcher a pid. And: tells no more.
  void tell(pid_t pid);
  void tell_no_more() { told_.write.reset(); }
  /// The next pid that a player tells; empty when none will. Blocks. Throws Interrupted.
  std::optional<pid_t> hear();

  /// Waits for `events` of `fd`; false where they do not come before the deadline. Throws
  /// Interrupted.
  bool wait(int fd, short events, const sys::Deadline& deadline = {});
  /// Prints a line of the watcher's. Throws Interrupted while nobody reads our stdout.
  void say(const std::string& line);
  /// Prints sentences beside the facts, if they are wanted.
  void explain(std::initializer_list<std::string_view> sentences);

 private:
  bool explains_;
  Chronicle& chronicle_;
  sigset_t ending_;
  sigset_t old_mask_{};
  sys::SignalFd signals_;
  std::deque<Cue> cues_;
  sys::Pipe told_ = sys::make_pipe();
  Child player_;
};

/// Plays `story` and returns 0. Dies of the signal that told it to end, once the players are gone.
int play(bool explains, Chronicle& chronicle, const std::function<void(Stage&)>& story);

}  // namespace procrun::cmd
