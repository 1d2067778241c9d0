#pragma once
// What the events of a run tell of its processes: who made whom, and what became of each. The
// material of a picture, without an opinion on how that looks.
#include <sys/types.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "event/event.h"

namespace procrun::report {

using Moment = sys::Clock::time_point;

/// The life of one process, as far as it was told. Others are named by their place in the history.
struct Life {
  static constexpr std::int32_t kNobody = -1;

  enum class State : std::uint8_t { Running, Stopped, Zombie };
  /// From then on it was in that state.
  struct Change {
    Moment at;
    State state = State::Running;
  };

  pid_t pid = 0;
  std::int32_t parent = kNobody;   // who made it, where that is known
  std::int32_t adopter = kNobody;  // who took it over
  std::uint32_t slot = 0;          // the place of a worker or a job, from 1; 0: it has none
  std::optional<int> status;       // raw, where it is known how it ended
  bool is_born = false;            // its fork was told; else it began before `from`
  bool is_watched = false;         // not of this run, which looks on from `from` on
  bool is_outsider = false;        // known only for having adopted one of the run's processes
  std::string name;
  Moment from;  // its fork, or when it was first told of
  std::optional<Moment> exec;
  std::optional<Moment> adopted;
  std::optional<Moment> reaped;
  std::optional<Moment> left;   // it is not reaped, and nobody has looked from then on
  std::vector<Change> changes;  // in their order

  /// It exited with code 0, or otherwise; both false: it is not reaped, or how it ended is not
  /// known.
  bool ended_well() const { return reaped && status == 0; }
  bool ended_badly() const { return reaped && status && *status != 0; }
  bool ended_unknown() const { return reaped && !status; }
  /// It was there when it was last seen, while others of its kind are seen to their end.
  bool is_unfinished() const { return !reaped && (is_born || is_watched); }
  /// Empty: as long as the run.
  std::optional<Moment> seen_until() const { return reaped ? reaped : left; }
};

/// All lives of a run, in the order in which they were told of; the first is who runs it.
struct History {
  std::vector<Life> lives;
  Moment began;
  Moment ended;
  std::uint64_t left_out = 0;  // processes beyond the bound, of which nothing is kept
};

/// "made by 4878 after 1.2ms, exec after 1.9ms, exited with code 3 and reaped after 102ms",
/// "watched from 0.4ms on, ended after 80.1ms, how is not known".
std::string story_of(const History& history, const Life& life);

/// "3", "KILL": how a process ended, as short as can be.
std::string short_end(int status);

/// Listens to a run and keeps its history; its memory is bounded.
class Timeline final : public event::Sink {
 public:
  /// So many lives are kept, and so many changes of each.
  static constexpr std::size_t kMostLives = 100'000;
  static constexpr std::size_t kMostChanges = 1'000;

  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Details; }

  const History& history() const noexcept { return history_; }
  /// The run has gone on until then, though nothing more was told of it.
  void goes_on_until(Moment moment) { history_.ended = std::max(history_.ended, moment); }

 private:
  struct JobPlace {
    unsigned slot = 0;
    std::string name;
  };

  Life* add(const event::Event& event);
  Life* living(pid_t pid);
  Life* observe(const event::Event& event);
  std::int32_t place_of(pid_t pid) const;
  void begin(const event::Event& event);
  void change(const event::Event& event, Life::State state);
  void end(const event::Event& event);
  void adopt(const event::Event& event);
  void watch(const event::Event& event);
  void end_watched(const event::Event& event);
  void leave(const event::Event& event);

  History history_;
  std::unordered_map<pid_t, std::int32_t> living_;
  std::map<std::uint64_t, JobPlace> jobs_;  // in hand, by their numbers
};

}  // namespace procrun::report
