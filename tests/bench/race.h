#pragma once
// Contenders run in turn, round after round, so that what disturbs the machine disturbs them all.
#include <map>
#include <string>
#include <vector>

#include "bench/contender.h"

namespace procrun::bench {

/// What a contender did in all rounds.
struct Result {
  Contender contender;
  std::vector<Run> runs;

  std::vector<double> seconds() const;
  double median_seconds() const;
  double seconds_per_job() const { return median_seconds() / static_cast<double>(contender.jobs); }
  double jobs_per_second() const { return 1 / seconds_per_job(); }
  double bytes_per_second() const {
    return static_cast<double>(contender.job_bytes) * jobs_per_second();
  }
  double cpu_seconds_per_job() const;
  /// Half the distance between the quartiles, as a part of the median: how far to trust it.
  double spread() const;
  /// Of all runs, in the order in which it was looked at.
  std::vector<double> pss_mib() const;
};

using Results = std::map<std::string, Result>;

/// Runs each contender `rounds` times; another one begins each round. Throws as run() does.
Results race(const std::vector<Contender>& contenders, int rounds);

}  // namespace procrun::bench
