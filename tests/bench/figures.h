#pragma once
// What is made of many measurements.
#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

namespace procrun::bench {

/// The value below which `share` (0 to 1) of `values` lie, between neighbours in proportion.
/// 0 for no values.
inline double quantile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double at = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (at - static_cast<double>(below)) * (values[above] - values[below]);
}

inline double median(std::vector<double> values) { return quantile(std::move(values), 0.5); }

/// 0 for no values.
inline double largest(const std::vector<double>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

/// How much higher the peak of the second half is than that of the first; infinite where there are
/// too few values to tell.
inline double growth(const std::vector<double>& values) {
  constexpr double kUnknown = std::numeric_limits<double>::infinity();
  if (values.size() < 4) return kUnknown;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  const double before = *std::max_element(values.begin(), middle);
  return before > 0 ? *std::max_element(middle, values.end()) / before : kUnknown;
}

/// The median of what `values` have more than `base`, round by round: what disturbs the machine
/// disturbs both of a round.
inline double median_added(const std::vector<double>& values, const std::vector<double>& base) {
  std::vector<double> added;
  for (std::size_t i = 0; i < std::min(values.size(), base.size()); ++i) {
    added.push_back(values[i] - base[i]);
  }
  return median(std::move(added));
}

}  // namespace procrun::bench
