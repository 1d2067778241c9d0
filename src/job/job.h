#pragma once
// A command with its policy and an id, and how it ended.
#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "process/command.h"
#include "process/exit_status.h"
#include "sys/clock.h"

namespace procrun::job {

/// One step of ending a tree: a signal, and how long to wait for it to work.
struct StopStep {
  int signal = SIGTERM;
  sys::Duration wait{};
};

/// Ends with KILL, which cannot be ignored.
using StopPlan = std::vector<StopStep>;

/// TERM, ten seconds, KILL.
StopPlan default_stop_plan();

/// What becomes of processes that a command leaves behind when it ends by itself.
enum class Leftovers : std::uint8_t {
  Stop,  // they are named and ended by the stop plan
  Wait,  // the job is over when they are gone too
};

/// What holds for every job of a run.
struct Policy {
  std::optional<sys::Duration> timeout = std::nullopt;
  StopPlan stop = default_stop_plan();
  Leftovers leftovers = Leftovers::Stop;
  Command::Group group = Command::Group::Same;
  /// The command's stdin; borrowed; -1: ours.
  int in = -1;
  /// stdout and stderr are read by us and handed over with the outcome; else the command has ours.
  bool capture = false;
  /// The command dies with the process that supervises it.
  int parent_death_signal = 0;
  /// What the command starts with.
  std::optional<sys::SignalState> signals = std::nullopt;
};

/// One command to run.
struct Job {
  std::uint64_t seq = 1;
  std::vector<std::string> argv = {};
  /// Goes before every line of captured output.
  std::string tag = {};
};

/// How a job ended; how its process ended is an ExitStatus.
struct Outcome {
  enum class Kind : std::uint8_t {
    Ended,          // by itself: status
    TimedOut,       // we ended it: status; killed: KILL was needed
    Cancelled,      // we ended it because the run was ended: status, if it had begun (pid)
    CouldNotStart,  // code (125, 126, 127) and why
    Lost,           // its worker died: why
  };

  Kind kind = Kind::Ended;
  ExitStatus status;
  bool killed = false;
  int code = 0;
  pid_t pid = 0;
  sys::Duration duration{};
  rusage usage{};
  std::string why = {};

  bool success() const noexcept { return kind == Kind::Ended && status.success(); }
  /// "exited with code 2", "timed out: killed by signal 15 (TERM)", "cannot execute x: …".
  std::string text() const;
};

/// Output of a job: frames in memory, or, of a job that wrote much, in the worker's spill file. A
/// frame is a length of 8 bytes, whose highest bit says stderr, and so many bytes; the frames
/// stand in the order in which they were read.
struct Captured {
  static constexpr std::uint64_t kStderr = std::uint64_t{1} << 63;

  std::string frames = {};
  std::uint64_t offset = 0;  // in the spill file
  std::uint64_t length = 0;
};

}  // namespace procrun::job
