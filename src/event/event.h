#pragma once
// What happened, as one stream: every report listens to it and touches nothing else.
#include <sys/types.h>

#include <cstdint>
#include <string>

#include "sys/clock.h"

namespace procrun::event {

enum class Type : std::uint8_t {
  RunStart,  // pid: who runs the whole
  JobStart,  // a process is about to start the job's command; pid: that process
  Exec,      // the command runs; pid, ppid
  Stopped,   // the command was stopped, by whom the status tells
  Timeout,   // its time is up; duration: how long it ran
  Signal,    // a signal was sent to its tree; status: which
  Killed,    // a process of the tree had to be killed; pid, text: its command
  Dropped,   // it wrote more than it may: the rest of it is lost
  Retry,     // an attempt failed, another follows after duration; status: its number, text: of many
  Leak,      // a process that was still there when the command had ended; pid, text: its command;
             // status: 0 it is ended, 1 it lives on
  Reap,      // a process that was adopted has ended and was reaped; pid, status, text: its name
  JobEnd,    // status: 0 success; duration, text: how it ended in words
  JobFailed,  // it could not start, or its worker was lost; text: why
  RunEnd,     // text: the summary
};

/// One event. Fields that its type does not name are zero.
struct Event {
  Type type = Type::RunStart;
  std::uint64_t seq = 0;  // of the job, from 1; 0: the run's own
  pid_t pid = 0;
  pid_t ppid = 0;
  int status = 0;  // a raw wait status, or a signal's number
  sys::Duration duration{};
  std::string text = {};
};

/// A listener.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void take(const Event& event) = 0;
  /// It only wants what went wrong: JobStart, Exec, Reap and JobEnd need not be made for it.
  virtual bool only_trouble() const { return false; }
};

}  // namespace procrun::event
