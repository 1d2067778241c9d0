#include "engine/in_hand.h"

#include <utility>

#include "job/deadlines.h"
#include "job/own_policy.h"

namespace procrun::engine {
namespace {

bool is_limited(const JobInHand& one) {
  return !one.out_of_time && !(one.job.own && one.job.own->timeout);
}

}  // namespace

void InHand::add(JobInHand job) {
  const auto seq = job.job.seq;
  extra_places_ += job.extra_places;
  jobs_[seq] = std::move(job);
}

JobInHand* InHand::find(std::uint64_t seq) {
  const auto found = jobs_.find(seq);
  return found == jobs_.end() ? nullptr : &found->second;
}

JobInHand InHand::take(std::uint64_t seq) {
  JobInHand job = std::move(jobs_.extract(seq).mapped());
  extra_places_ -= job.extra_places;
  return job;
}

sys::Deadline InHand::time_up(const std::optional<sys::Duration>& limit) const {
  sys::Deadline nearest;
  if (!limit) return nearest;
  for (const auto& [seq, one] : jobs_) {
    if (is_limited(one)) nearest = sys::earlier(nearest, job::after(one.attempt_since, *limit));
  }
  return nearest;
}

std::vector<InHand::Late> InHand::out_of_time(const std::optional<sys::Duration>& limit,
                                              sys::Clock::time_point now) {
  std::vector<Late> those;
  if (!limit) return those;
  for (auto& [seq, one] : jobs_) {
    if (!is_limited(one) || now < job::after(one.attempt_since, *limit)) continue;
    one.out_of_time = true;
    those.push_back({seq, one.attempt});
  }
  return those;
}

void InHand::try_again(std::uint64_t seq, sys::Duration delay) {
  JobInHand* const one = find(seq);
  if (one == nullptr) return;
  one->attempt_since = job::after(sys::Clock::now(), delay);
  one->out_of_time = false;
  ++one->attempt;
}

void InHand::stood_still(sys::Duration time) {
  for (auto& [seq, one] : jobs_) one.attempt_since += time;
}

}  // namespace procrun::engine
