#pragma once
// A command with its policy and an id, and how it ended.
#include <signal.h>
#include <sys/resource.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "process/command.h"
#include "process/exit_status.h"
#include "sys/clock.h"
#include "sys/extent.h"

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
  Stop,    // they are named and ended by the stop plan
  Fail,    // the same, and the job has failed
  Warn,    // they are named and live on
  Ignore,  // they live on
  Wait,    // the job is over when they are gone too
};

/// Whom a signal is for that the caller passes on.
enum class Reach : std::uint8_t {
  Command,  // the command alone
  Group,    // its process group, which has to be its own
  Tree,     // all that descends from it, whatever group or session it has chosen
};

/// What becomes of a command's stdout and stderr.
enum class Output : std::uint8_t {
  Inherit,  // they are ours, or the descriptors of the policy
  Capture,  // read by us, and handed over with the outcome
  Stream,   // read by us line by line, decorated, and written on as they come
};

struct OutputPolicy {
  Output mode = Output::Inherit;
  /// Descriptors for the command, or for what is streamed; borrowed; -1: ours.
  int out = -1;
  int err = -1;
  bool merge = false;           // stderr goes where stdout goes
  std::string prefix = {};      // Stream: before each line
  std::string timestamps = {};  // Stream: strftime(3) with %f for microseconds, before the prefix
  std::optional<std::uint64_t> most = std::nullopt;  // bytes of both; what is more is dropped
  bool end_at_most = false;                          // or it ends the command
  bool fail_on_stderr = false;
  /// Capture: the caller may give the job its turn (Order::Turn), and what it writes then goes
  /// straight out.
  bool takes_turns = false;
  /// Capture: lines are handed over as they come (Context::take), if it takes turns from then on.
  bool by_line = false;
};

/// A variable by which a command is told something of its job.
struct Variable {
  enum class What : std::uint8_t {
    Seq,
    Slot,
    SlotFromZero,
    Attempt,
    Name,  // only where the job has one
  };
  std::string name;
  What what = What::Seq;
};

/// What holds for every job of a run.
struct Policy {
  std::optional<sys::Duration> timeout = std::nullopt;   // of each attempt
  std::optional<sys::Duration> deadline = std::nullopt;  // of all of them
  StopPlan stop = default_stop_plan();
  bool foreground = false;  // signals are for the command alone, not for its tree
  Leftovers leftovers = Leftovers::Stop;
  bool lingers = true;  // they may end by themselves for a moment, before they count
  Reach reach = Reach::Command;
  unsigned retries = 0;  // attempts after the first
  /// Ends that count as success besides code 0.
  std::vector<int> ok_codes = {};
  std::vector<int> ok_signals = {};
  std::shared_ptr<const struct RetryPolicy> retry = nullptr;
  Command::Group group = Command::Group::Same;
  int terminal = -1;  // see Command
  /// The command's stdin; borrowed; -1: ours.
  int in = -1;
  OutputPolicy output = {};
  /// Its environment ("K=V"); empty: ours.
  std::optional<std::vector<std::string>> env = std::nullopt;
  /// Come on top of that, which holds none of these names.
  std::vector<Variable> variables = {};
  std::string directory = {};
  bool close_others = false;
  std::vector<int> kept = {};
  std::optional<Place> place = std::nullopt;
  /// The command dies with the process that supervises it.
  int parent_death_signal = 0;
  /// What the command starts with.
  std::optional<sys::SignalState> signals = std::nullopt;
};

/// One command to run.
struct Job {
  std::uint64_t seq = 1;
  unsigned slot = 1;
  std::vector<std::string> argv = {};
  /// Goes before every line of captured output.
  std::string tag = {};
  /// argv is a shell, -c and a line for it.
  bool by_shell = false;
  /// What holds for it alone; null: nothing.
  std::shared_ptr<const struct OwnPolicy> own = nullptr;
  /// Its stdin, instead of the policy's: these bytes, then the end.
  std::optional<sys::Extent> in = std::nullopt;
};

/// The variables of an attempt at a job, as Command::extra_env has them.
std::string environment_of(const Job& job, const std::vector<Variable>& variables,
                           unsigned attempt);

/// What processes used (getrusage(2)): sums, but a maximum of memory.
struct Usage {
  sys::Duration user{};
  sys::Duration system{};
  long max_rss = 0;  // KiB
  long minor_faults = 0;
  long major_faults = 0;
  long voluntary_switches = 0;
  long involuntary_switches = 0;

  void add(const rusage& more);
};

enum class Known : std::uint8_t { Unknown, No, Yes };

/// How a job ended; how its process ended is an ExitStatus.
struct Outcome {
  enum class Fault : std::uint8_t {
    None,
    Leak,    // it left processes behind
    Stderr,  // it wrote to stderr
    Output,  // it wrote more than it may, and was ended for it if it had not ended yet
  };

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
  /// Why a command that ended well counts as failed all the same.
  Fault fault = Fault::None;
  /// Of a death by KILL that we did not send: whether the kernel was out of memory.
  Known oom = Known::Unknown;
  /// The policy counts this end as a success.
  bool accepted = false;
  /// Processes of it live on: by the policy, or beyond our reach.
  bool left_behind = false;
  int code = 0;
  pid_t pid = 0;
  unsigned attempts = 1;
  sys::Duration duration{};
  /// Of the command and of all that was waited for or adopted below it, in all attempts.
  Usage usage = {};
  std::string why = {};

  bool success() const noexcept {
    return kind == Kind::Ended && (status.success() || accepted) && fault == Fault::None;
  }
  /// What a shell would call it: 124 timed out, 137 where that took KILL, 128 + n a death by
  /// signal n, 125 where it is us who failed, or the policy.
  int shell_code() const noexcept;
  /// "exited with code 2", "timed out: killed by signal 15 (TERM)", "cannot execute x: …".
  std::string text() const;
};

}  // namespace procrun::job
