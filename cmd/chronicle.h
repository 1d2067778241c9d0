#pragma once
// The events of a lesson, for --events and --timeline: what its watcher or its parent has seen.
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "cmd/shared.h"
#include "cmd/timeline.h"
#include "event/bus.h"
#include "process/exit_status.h"
#include "sys/clock.h"

namespace procrun::cmd {

/// Tells nobody but the sinks that it has, and nothing from a forked copy.
class Chronicle {
 public:
  /// Without any.
  Chronicle();
  /// With what --events names (empty: nothing) and --timeline asks for, of a lesson of `verb`.
  /// Blocks while a fifo has no reader. Throws UsageError, std::system_error.
  Chronicle(const std::string& events, const TimelineOptions& timeline, const Shared& shared,
            const std::string& verb);

  /// The lesson begins with this process, and ends. Each of these throws std::system_error where a
  /// sink cannot take it.
  void begin() const;
  void end() const;
  /// The lesson was told to end by `signal`.
  void break_off(int signal) const;
  /// `role` is what the process is called from now on: "child process"; `since`: when it was made.
  void forked(pid_t pid, pid_t parent, const std::string& role,
              sys::Clock::time_point since = sys::Clock::now());
  /// A worker of a pool, made after the moment `since`; `slot` from 0.
  void worker_forked(unsigned slot, pid_t pid, sys::Clock::time_point since);
  void executed(pid_t pid) const;
  void stopped(pid_t pid, ExitStatus status) const;
  void continued(pid_t pid) const;
  /// It has ended, and is not reaped.
  void zombie(pid_t pid, pid_t parent) const;
  void adopted(pid_t pid, pid_t adopter) const;
  void reaped(pid_t pid, ExitStatus status) const;

 private:
  void emit(const event::Event& event) const;
  std::string role_of(pid_t pid) const;

  pid_t owner_;
  std::unique_ptr<event::Sink> events_;
  std::unique_ptr<Picture> picture_;
  event::Bus bus_;
  std::map<pid_t, std::string> roles_;
};

}  // namespace procrun::cmd
