#pragma once
// What happened, as one stream: every report listens to it and touches nothing else.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sys/clock.h"

namespace procrun::event {

enum class Type : std::uint8_t {
  RunStart,     // pid: who runs the whole
  JobGiven,     // the job goes to a worker: from now on it may run; record
  JobReturned,  // it comes back unstarted, and is given again later
  InFlight,     // an earlier run was killed while this job ran: it is run again; text: its command
  JobStart,     // a process is about to start the job's command; pid: that process
  Fork,         // a process was made; pid, ppid; of a worker status: its slot; text: what it is
                // called, where that is known
  Exec,         // the command runs; pid, ppid
  Exit,         // the command has ended; pid, status, duration, and what it used
  Stopped,      // the command was stopped, by whom the status tells
  Continued,    // it goes on; pid
  Timeout,      // its time is up; duration: how long it ran
  Signal,       // a signal was sent to its tree; status: which
  Killed,       // a process of the tree had to be killed; pid, text: its command
  WantsTurn,    // it has written much, and waits a moment for its turn to pass it on
  Dropped,      // it wrote more than it may: the rest of it is lost
  Retry,    // an attempt failed, another follows after duration; status: its number, text: of many
  Leak,     // a process that was still there when the command had ended; pid, text: its command;
            // status: 0 it is ended, 1 it lives on
  Zombie,   // it has ended and its parent has not reaped it; pid, ppid: that parent, text: its name
  Orphan,   // its parent is gone and it has another; pid, ppid: the new one, text: that one's name
  Reap,     // another process than a command has ended and was reaped: one that was adopted, or of
            // no job (seq 0) a worker; pid, status, text: its name
  Watched,  // a process that is not ours to reap is watched from now on; pid, ppid (0: not
            // known), text: its name. Of such ones Signal, Stopped, Continued, Zombie, and at last
            // one of the next two
  Ended,    // it has ended; pid, status (or kUnknownEnd), reaped, text: how in words
  Unwatched,   // it lives on, and is watched no more; pid
  JobEnd,      // status: 0 success; duration, record; text: how it ended in words
  JobFailed,   // it could not start, or its worker was lost; record; text: why
  Skipped,     // it is never run; text: why ("needs 'build', which failed")
  TokensLost,  // clients of our jobserver have not given back so many (status) of its tokens
  RunEnd,      // text: the summary
};

/// The status of a process of which nobody tells how it ended; no raw wait status is that.
constexpr int kUnknownEnd = -1;

/// What records keep of a job.
struct JobRecord {
  /// Knows the job by its content, whatever its number: in hexadecimal; empty where nobody keeps
  /// it.
  std::string key = {};
  std::uint64_t occurrence = 0;        // of those with that key, from 1
  std::string command = {};            // as one could paste it into a shell
  unsigned slot = 0;                   // from 1
  std::string name = {};               // what it is called before people
  std::vector<std::string> argv = {};  // only where somebody wants Interest::Details

  // Its end.
  enum class End : std::uint8_t { None, Ok, Failed, TimedOut, Cancelled, CouldNotStart, Lost };
  End end = End::None;
  int code = 0;    // it exited with
  int signal = 0;  // that it died of
  /// The raw wait status of its last process; empty where no end of one was seen.
  std::optional<int> status = std::nullopt;
  unsigned attempts = 1;
  std::uint64_t stdin_bytes = 0;  // that it was given, where they are counted (--pipe)
  std::uint64_t stdout_bytes = 0;
  sys::Duration user{};
  sys::Duration system{};
  long max_rss = 0;  // KiB
};

/// One event. Fields that its type does not name are zero.
struct Event {
  Type type = Type::RunStart;
  std::uint64_t seq = 0;  // of the job, from 1; 0: the run's own
  unsigned attempt = 0;   // from 1; 0: not of one attempt
  /// When it happened, or was noticed by the process that tells it.
  sys::Clock::time_point at = sys::Clock::now();
  pid_t pid = 0;
  pid_t ppid = 0;
  int status = 0;       // a raw wait status, or a signal's number
  bool reaped = false;  // else it is a zombie still
  sys::Duration duration{};
  sys::Duration user{};
  sys::Duration system{};
  long max_rss = 0;  // KiB
  std::string text = {};
  const JobRecord* record = nullptr;  // of JobGiven, JobEnd and JobFailed; good while it is told
};

/// How much a sink wants to hear; the more, the more it costs a job.
enum class Interest : std::uint8_t {
  Trouble,  // what went wrong
  Records,  // and which jobs began and ended: JobGiven, JobEnd, JobFailed, with their records
  Story,    // and JobStart, Exec and Reap
  Details,  // and Fork, Exit, Continued, Orphan, the workers' ends, and with the record what was
            // run
};

/// How far a run has come.
struct Standing {
  std::uint64_t ended = 0;
  std::uint64_t failed = 0;  // of those
  std::uint64_t running = 0;
  std::optional<std::uint64_t> total = std::nullopt;  // empty: not all inputs are read yet
};

/// A listener.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void take(const Event& event) = 0;
  /// Events that it does not want need not be made for it; it may get them all the same.
  virtual Interest interest() const { return Interest::Story; }
  /// Asked each time when something may have happened, and when deadline() has passed.
  virtual void look(const Standing&, sys::Clock::time_point) {}
  /// When it wants to look even though nothing happens.
  virtual sys::Deadline deadline() const { return std::nullopt; }
};

}  // namespace procrun::event
