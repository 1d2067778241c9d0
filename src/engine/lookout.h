#pragma once
// Waits for what becomes of processes that need not be our children.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "job/job.h"
#include "process/crowd.h"
#include "process/stranger.h"
#include "sys/clock.h"
#include "sys/poller.h"

namespace procrun::engine {

/// What is waited for. All four are states, not changes: a process that is in it already counts at
/// once. Of the end the kernel tells; for the last two it has to be asked again and again.
enum class Until : std::uint8_t { Exit, Reaped, Stopped, Continued };

/// Who a process is, as far as that could be read when it was found.
struct Who {
  pid_t pid = 0;
  std::string name = {};  // of its program, by the kernel; empty where /proc does not tell
  std::optional<std::uint64_t> start_time = std::nullopt;
  std::optional<std::uint64_t> inode = std::nullopt;
};

/// What was seen of one process.
struct Sighting {
  enum class What : std::uint8_t {
    Found,   // it is watched from now on
    Ended,   // and was reaped
    Zombie,  // ended, and its parent has not reaped it
    Stopped,
    Continued,  // it is not stopped; was_stopped: it has been seen so
    Running,    // none of it, and nobody waits any longer
    Signalled,  // it was sent `signal`
    Refused,    // it may not be signalled by us
  };
  What what = What::Running;
  Who who;
  std::size_t place = 0;  // what it was added with
  bool is_last = false;   // it is watched no more
  bool again = false;     // the same process is watched already, in another place
  bool awaited = false;   // this is what was waited for
  bool was_stopped = false;
  std::optional<ExitStatus> status = std::nullopt;  // how it ended, where that can be known
  pid_t parent = 0;              // of one found, and of a zombie; 0: outside our pid namespace
  std::string parent_name = {};  // of a zombie; empty where /proc does not tell
  std::string why_unknown = {};  // why there is no status; empty: the kernel does not tell
  int signal = 0;
  sys::Clock::time_point at = sys::Clock::now();  // when it happened, or was noticed
};

/// What a wait is for, and how long it may take.
struct Goal {
  Until until = Until::Exit;
  sys::Deadline deadline = std::nullopt;
  /// Whether a poll of a pidfd is told when its process is reaped. Else it is asked for.
  bool kernel_tells_reaping = true;
  /// Stops are told on the way, whatever is waited for, so they are looked for; as far as /proc
  /// shows our processes.
  bool tells_states = false;
};

/// The wait for a number of processes. Of each it is told when it is found, and at last: when it
/// has come to what is waited for, or has ended, or when the wait is over without. On the way it is
/// told of stops that are looked for and of a zombie whose reaping is waited for; who is a zombie
/// at last has been told as one before.
class Lookout {
 public:
  enum class End : std::uint8_t { Done, TimedOut };
  using Tell = std::function<void(const Sighting&)>;
  using Hear = std::function<void()>;

  /// Throws std::runtime_error where the goal needs a /proc that is not there.
  Lookout(Goal goal, Tell tell);

  /// `place` comes back with what is told of it; members of crowds have kNoPlace.
  static constexpr std::size_t kNoPlace = SIZE_MAX;
  void add(Stranger who, std::size_t place);
  /// Its members count as they come.
  void add(Crowd crowd) { crowds_.push_back(std::move(crowd)); }

  /// While it waits, `hear` is called whenever `fd`, which is borrowed, is readable; what it throws
  /// ends the wait.
  void listen(int fd, Hear hear);

  /// Blocks until `count` of them have come to the goal (0: all; or until nobody is left who
  /// could), or its deadline has passed.
  End run(std::size_t count);
  /// How many have not come to it.
  std::size_t left() const noexcept { return watched_.size(); }
  /// Ends those that are left: sends them the signals of `plan` until they have ended, and tells
  /// how they did. Gives up on those that outlive even its last signal for some seconds.
  void stop(const job::StopPlan& plan);
  /// Tells of those that are left as they are now.
  void tell_rest();

 private:
  struct Watched {
    Stranger who;
    Who identity;
    std::size_t place;
    bool again = false;
    bool ended = false;  // and not told yet: it may still be reaped
    sys::Clock::time_point ended_at = {};
    bool zombie_told = false;
    bool is_stopped = false;  // when it was last looked at
    bool was_stopped = false;
    bool refused = false;       // we may not signal it
    std::size_t signalled = 0;  // the step of the plan that it was last sent
  };
  using All = std::map<std::uint64_t, Watched>;
  struct Grace {
    sys::Clock::time_point end;
    std::uint64_t id;
  };

  bool over() const;
  bool step(const sys::Deadline& deadline);
  sys::Deadline next_due() const;
  void take(std::uint64_t id, bool reaped);
  void settle(std::uint64_t id);
  void settle_ended();
  void look();
  bool look_for_arrivals(bool some_gone);
  bool wants_looks() const;
  void look_at_states();
  void look_at_reaping();
  bool wants_states() const;
  static Sighting sighting_of(const Watched& one, Sighting::What what);
  static void see_end(Sighting& sighting, Watched& one);
  void tell_zombie(Sighting sighting, Watched& one);
  void tell_change(Watched& one, bool stopped);
  All::iterator tell(All::iterator one, Sighting::What what, bool awaited);
  void signal_all(int signal, std::size_t step);
  bool all_refused() const;

  Goal goal_;
  Tell tell_;
  Hear hear_;
  sys::Poller poller_;
  All watched_;
  std::set<pid_t> known_;  // who is watched, each once
  std::vector<Crowd> crowds_;
  std::deque<Grace> graces_;  // the nearest first
  std::uint64_t next_id_ = 0;
  std::size_t count_ = 0;
  std::size_t met_ = 0;    // how many have come to the goal
  bool some_gone_ = true;  // from those that are watched, since the last look
  sys::Deadline next_look_;
  sys::Duration looked_{};  // our processor time at the end of the last look
  pid_t newest_ = 0;        // number given when crowds were last looked at
};

}  // namespace procrun::engine
