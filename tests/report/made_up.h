#pragma once
// Runs that never were: events with times of their own, for the reports that draw them.
#include <signal.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "report/timeline.h"

namespace procrun::test {

using event::Event;
using event::JobRecord;
using event::Type;
using std::chrono::milliseconds;

constexpr int kKilled = SIGKILL;  // raw wait statuses
constexpr int exited(int code) { return code << 8; }

/// A moment of a made-up run.
inline report::Moment ms(int time) {
  return report::Moment{std::chrono::hours{1} + milliseconds{time}};
}

inline report::History history_of(const std::vector<Event>& events) {
  report::Timeline timeline;
  for (const Event& event : events) timeline.take(event);
  return timeline.history();
}

/// A child ends and its parent lives on; then systemd adopts it and reaps it.
inline std::vector<Event> zombie_story() {
  return {{.type = Type::RunStart, .at = ms(0), .pid = 100},
          {.type = Type::Fork, .at = ms(100), .pid = 101, .ppid = 100, .text = "parent"},
          {.type = Type::Fork, .at = ms(200), .pid = 102, .ppid = 101, .text = "child"},
          {.type = Type::Zombie, .at = ms(400), .pid = 102, .ppid = 101, .text = "procrun"},
          {.type = Type::Reap, .at = ms(700), .pid = 101, .status = 0, .text = "parent"},
          {.type = Type::Orphan, .at = ms(700), .pid = 102, .ppid = 1, .text = "systemd"},
          {.type = Type::Reap, .at = ms(800), .pid = 102, .status = 0, .text = "child"},
          {.type = Type::RunEnd, .at = ms(1000)}};
}

/// A command is stopped, goes on and is killed.
inline std::vector<Event> stop_story() {
  static const JobRecord record{.slot = 1, .name = "sleep 60"};
  return {{.type = Type::RunStart, .at = ms(0), .pid = 100},
          {.type = Type::JobGiven, .seq = 1, .at = ms(0), .record = &record},
          {.type = Type::Fork, .seq = 1, .at = ms(10), .pid = 101, .ppid = 100},
          {.type = Type::Exec, .seq = 1, .at = ms(110), .pid = 101, .ppid = 100},
          {.type = Type::Stopped, .seq = 1, .at = ms(400), .pid = 101, .status = 0x137F},
          {.type = Type::Continued, .seq = 1, .at = ms(600), .pid = 101},
          {.type = Type::Exit, .seq = 1, .at = ms(900), .pid = 101, .status = kKilled},
          {.type = Type::RunEnd, .at = ms(1000)}};
}

/// Strangers are watched: one exits with 3, one nobody tells of, one is a zombie to the last, one
/// lives on, and one had ended before.
inline std::vector<Event> watch_story() {
  return {
      {.type = Type::RunStart, .at = ms(0), .pid = 100},
      {.type = Type::Ended, .at = ms(0), .pid = 50, .status = exited(7), .reaped = true},
      {.type = Type::Watched, .at = ms(10), .pid = 60, .ppid = 9, .text = "exits"},
      {.type = Type::Watched, .at = ms(10), .pid = 61, .ppid = 60, .text = "unknown"},
      {.type = Type::Watched, .at = ms(10), .pid = 62, .text = "rots"},
      {.type = Type::Watched, .at = ms(200), .pid = 63, .text = "lives"},
      {.type = Type::Ended, .at = ms(300), .pid = 60, .status = exited(3), .reaped = true},
      {.type = Type::Ended, .at = ms(400), .pid = 61, .status = event::kUnknownEnd, .reaped = true},
      {.type = Type::Zombie, .at = ms(500), .pid = 62, .ppid = 1, .text = "rots"},
      {.type = Type::Ended, .at = ms(600), .pid = 62, .status = kKilled},
      {.type = Type::Stopped, .at = ms(700), .pid = 63},
      {.type = Type::Unwatched, .at = ms(900), .pid = 63},
      {.type = Type::RunEnd, .at = ms(1000)}};
}

/// So many jobs on so many slots, 10 ms each, of which every fifth exits with 3.
class PoolStory {
 public:
  PoolStory(int slots, int jobs) : records_(static_cast<std::size_t>(jobs)) {
    events_.push_back({.type = Type::RunStart, .at = ms(0), .pid = 100});
    for (int slot = 0; slot < slots; ++slot) {
      events_.push_back({.type = Type::Fork,
                         .at = ms(1),
                         .pid = 200 + slot,
                         .ppid = 100,
                         .status = slot + 1,
                         .text = "worker"});
    }
    for (int job = 0; job < jobs; ++job) add(job, slots);
    const int end = 10 + 10 * ((jobs + slots - 1) / slots);
    for (int slot = 0; slot < slots; ++slot) {
      events_.push_back({.type = Type::Reap, .at = ms(end), .pid = 200 + slot, .text = "worker"});
    }
    events_.push_back({.type = Type::RunEnd, .at = ms(end + 1)});
  }

  const std::vector<Event>& events() const { return events_; }

 private:
  void add(int job, int slots) {
    auto& record = records_[static_cast<std::size_t>(job)];
    record.slot = static_cast<unsigned>(job % slots) + 1;
    record.name = "job " + std::to_string(job + 1);
    const auto seq = static_cast<std::uint64_t>(job) + 1;
    const int begin = 5 + 10 * (job / slots);
    const pid_t pid = 10000 + job;
    const pid_t worker = 200 + job % slots;
    events_.push_back({.type = Type::JobGiven, .seq = seq, .at = ms(begin), .record = &record});
    events_.push_back(
        {.type = Type::Fork, .seq = seq, .at = ms(begin), .pid = pid, .ppid = worker});
    events_.push_back(
        {.type = Type::Exec, .seq = seq, .at = ms(begin), .pid = pid, .ppid = worker});
    events_.push_back({.type = Type::Exit,
                       .seq = seq,
                       .at = ms(begin + 9),
                       .pid = pid,
                       .status = job % 5 == 4 ? exited(3) : 0});
    events_.push_back({.type = Type::JobEnd, .seq = seq, .at = ms(begin + 9), .record = &record});
  }

  std::vector<JobRecord> records_;
  std::vector<Event> events_;
};

inline std::vector<Event> pool_story(int slots, int jobs) {
  // Their records have to outlive the events.
  static std::vector<std::unique_ptr<PoolStory>> stories;
  stories.push_back(std::make_unique<PoolStory>(slots, jobs));
  return stories.back()->events();
}

}  // namespace procrun::test
