#include "engine/pace.h"

#include <algorithm>

namespace procrun::engine {
namespace {

constexpr std::size_t kEnough = 3;
constexpr std::size_t kMost = 1000;
constexpr double kLongest = 3e18;  // nanoseconds: longer than anybody waits

}  // namespace

void Pace::ended_well(sys::Duration took) {
  if (!limits()) return;
  if (recent_.size() == kMost) {
    by_size_.erase(std::lower_bound(by_size_.begin(), by_size_.end(), recent_.front()));
    recent_.pop_front();
  }
  recent_.push_back(took);
  by_size_.insert(std::upper_bound(by_size_.begin(), by_size_.end(), took), took);
}

std::optional<sys::Duration> Pace::limit() const {
  if (!limits() || recent_.size() < kEnough) return std::nullopt;
  const std::size_t middle = by_size_.size() / 2;
  const auto median = by_size_.size() % 2 != 0
                          ? by_size_[middle]
                          : by_size_[middle - 1] + (by_size_[middle] - by_size_[middle - 1]) / 2;
  const double limit = static_cast<double>(median.count()) * percent_ / 100;
  return sys::Duration{static_cast<sys::Duration::rep>(std::min(limit, kLongest))};
}

}  // namespace procrun::engine
