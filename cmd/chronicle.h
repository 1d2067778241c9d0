#pragma once
// The events of a lesson, for --events and other sinks: what its watcher or its parent has seen.
#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "event/bus.h"
#include "process/exit_status.h"

namespace procrun::cmd {

/// Tells nobody but the sinks that it has, and nothing from a forked copy.
class Chronicle {
 public:
  /// With what --events names; empty: nothing. Blocks while a fifo has no reader. Throws
  /// std::system_error.
  explicit Chronicle(const std::string& events = {});

  /// A further sink, which is borrowed; before begin().
  void add(event::Sink& sink) { bus_.add(sink); }

  /// The lesson begins with this process, and ends. Each of these throws std::system_error where a
  /// sink cannot take it.
  void begin() const;
  void end() const;
  /// `role` is what the process is called from now on: "child process".
  void forked(pid_t pid, pid_t parent, const std::string& role);
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
  event::Bus bus_;
  std::map<pid_t, std::string> roles_;
};

}  // namespace procrun::cmd
