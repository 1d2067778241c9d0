#pragma once
// Where a lesson of several processes is played: by players, who wait for cues, and before the
// process that started them, who watches. Whatever happens, no player stays behind.
#include <deque>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "cmd/chronicle.h"
#include "cmd/ending_signals.h"
#include "process/child.h"
#include "sys/clock.h"
#include "sys/fd.h"

namespace procrun::cmd {

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

class Stage {
 public:
  /// Both are borrowed. The signals stay blocked in the players.
  Stage(bool explains, Chronicle& chronicle, EndingSignals& signals);
  /// Tells all players to end, and reaps the one that it started; kills it where it does not go.
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  /// A new cue; before start().
  Cue& cue();
  Chronicle& chronicle() { return chronicle_; }
  EndingSignals& signals() { return signals_; }
  /// Forks the one player that is ours, which plays `part` and leaves. It may fork others.
  pid_t start(const std::function<void()>& part);
  /// Waits until it has ended, and reaps it. Throws Interrupted.
  ExitStatus join();

  /// In a player: tells the watcher a pid. And: tells no more.
  void tell(pid_t pid);
  void tell_no_more() { told_.write.reset(); }
  /// The next pid that a player tells; empty when none will. Blocks. Throws Interrupted.
  std::optional<pid_t> hear();

  /// As the signals' own.
  bool wait(int fd, short events, const sys::Deadline& deadline = {}) {
    return signals_.wait(fd, events, deadline);
  }
  /// Prints a line of the watcher's.
  void say(const std::string& line) { signals_.say(line); }
  /// Prints sentences beside the facts, if they are wanted.
  void explain(std::initializer_list<std::string_view> sentences);

 private:
  bool explains_;
  Chronicle& chronicle_;
  EndingSignals& signals_;
  std::deque<Cue> cues_;
  sys::Pipe told_ = sys::make_pipe();
  Child player_;
};

/// Plays `story` and returns 0; told to end it does so once the players are gone.
int play(bool explains, Chronicle& chronicle, const std::function<void(Stage&)>& story);

}  // namespace procrun::cmd
