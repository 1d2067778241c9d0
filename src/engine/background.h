#pragma once
// A command that is let go: a small supervisor of its own stays with it, and writes down how it
// ends.
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "event/event.h"
#include "job/job.h"
#include "state/pidfile.h"
#include "state/records.h"
#include "sys/fd.h"

namespace procrun::engine {

/// What a supervisor is given.
struct BackgroundPlan {
  job::Job job = {};
  job::Policy policy = {};
  /// Its stdin, stdout and stderr; borrowed; -1: ours.
  std::array<int, 3> stdio{-1, -1, -1};
  /// Borrowed.
  const state::Records& records;
  /// What is known of the job before it runs.
  state::Record record = {};
  /// Held as long as anything of the job's tree lives.
  sys::Fd name_lock = {};
  std::optional<state::PidFile> pidfile = std::nullopt;
  /// A pidfd: when that process ends, so does the job.
  sys::Fd caller = {};
  /// Where the command says that it is ready (NotifySocket).
  sys::Fd notify = {};
  /// What the command is called before people.
  std::string name = {};
  /// Who listens to the run, from within the supervisor; and the descriptors that they need there.
  std::vector<std::unique_ptr<event::Sink>> sinks = {};
  std::vector<int> kept = {};
  /// It goes on telling news until its end, not only that the command runs.
  bool tells = false;
};

/// What a supervisor tells the one who started it.
struct News {
  enum class Kind : std::uint8_t {
    Started,   // the command runs: pid
    Failed,    // it cannot: the exit code for that, and why (text)
    Ended,     // raw status; others of its tree may live on
    Notified,  // what it said over the socket (text)
  };
  Kind kind = Kind::Failed;
  pid_t pid = 0;
  int code = 0;
  std::string text = {};
};

/// The caller's end of a job in the background.
class Background {
 public:
  /// Starts the job below a supervisor that has left our session and holds no descriptor of ours
  /// but those of the plan. The supervisor lives until nothing of the command's tree is left; INT,
  /// TERM and HUP make it end that tree by the policy's stop plan. All signals must be blocked.
  explicit Background(BackgroundPlan& plan);

  /// Readable when there is news, or no more to come.
  int fd() const noexcept { return news_.get(); }
  /// The next news; empty when the supervisor is gone, or tells no more. Blocks.
  std::optional<News> next();
  /// Has the supervisor end the job; a second time: at once, by KILL.
  void stop();

 private:
  sys::Fd news_;
  sys::Fd supervisor_;
};

}  // namespace procrun::engine
