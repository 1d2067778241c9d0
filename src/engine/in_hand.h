#pragma once
// The jobs that workers have, and since when.
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "engine/backlog.h"
#include "event/event.h"
#include "job/job.h"
#include "sys/clock.h"

namespace procrun::engine {

/// A job that a worker has.
struct JobInHand {
  Waiting waiting;
  job::Job job;
  event::JobRecord record;
  sys::Clock::time_point since;
  bool wants_turn = false;
  bool has_turn = false;
  bool has_results = false;  // files with what it wrote so far
  sys::Clock::time_point attempt_since = since;
  unsigned attempt = 1;
  bool out_of_time = false;
  unsigned extra_places = 0;  // that it takes besides the one that it has
};

/// All of them, by seq.
class InHand {
 public:
  void add(JobInHand job);
  /// Null: no worker has it.
  JobInHand* find(std::uint64_t seq);
  /// It is in hand no more; it must have been.
  JobInHand take(std::uint64_t seq);
  bool empty() const noexcept { return jobs_.empty(); }
  std::size_t size() const noexcept { return jobs_.size(); }
  /// Of all of them.
  unsigned extra_places() const noexcept { return extra_places_; }
  auto begin() const noexcept { return jobs_.begin(); }
  auto end() const noexcept { return jobs_.end(); }

  /// When the first attempt has taken longer than that. Jobs with a time limit of their own have
  /// no other.
  sys::Deadline time_up(const std::optional<sys::Duration>& limit) const;
  struct Late {
    std::uint64_t seq;
    unsigned attempt;
    bool operator==(const Late&) const = default;
  };
  /// Attempts that have taken longer; each is told once.
  std::vector<Late> out_of_time(const std::optional<sys::Duration>& limit,
                                sys::Clock::time_point now);
  /// A new attempt begins after that time.
  void try_again(std::uint64_t seq, sys::Duration delay);
  /// For so long, no job's time has gone on.
  void stood_still(sys::Duration time);

 private:
  std::map<std::uint64_t, JobInHand> jobs_;
  unsigned extra_places_ = 0;
};

}  // namespace procrun::engine
