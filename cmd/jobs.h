#pragma once
// How many at once.
#include <string>

namespace procrun::cmd {

/// Checks the form of -j: N, N%, +N, -N, 0. Throws std::invalid_argument, showing the forms.
void check_jobs(const std::string& text);

/// The most that it can be.
constexpr unsigned kMostJobs = 100'000;

/// The number that it means on this machine, at least 1; empty: the processors that we may use.
/// 0 means as many as the limits on descriptors and processes allow.
unsigned count_jobs(const std::string& text);

}  // namespace procrun::cmd
