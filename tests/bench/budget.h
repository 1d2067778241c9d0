#pragma once
// What a case is held to.
#include <functional>
#include <string>
#include <vector>

#include "bench/race.h"

namespace procrun::bench {

/// One promise of an issue: a figure made of the results of a race, and its limit.
struct Budget {
  int issue = 0;
  std::string promise;             // "procrun -q at least 1.25 x the rate of floor"
  std::vector<std::string> needs;  // the contenders it is made of
  std::function<double(const Results&)> figure;
  bool at_least = true;  // or at most
  double limit = 0;

  bool met_by(double value) const { return at_least ? value >= limit : value <= limit; }
};

/// `name` does at least `limit` times as many jobs a second as `base`.
Budget rate_at_least(int issue, const std::string& name, double limit, const std::string& base);

/// A job of `name` takes at most `limit` times as long as one of `base`.
Budget time_at_most(int issue, const std::string& name, double limit, const std::string& base);

/// A run of `name` takes at most so many seconds.
Budget seconds_at_most(int issue, const std::string& name, double limit);

/// What `name` takes more than `direct` is at most `limit` times what `peer` takes more.
Budget added_at_most(int issue, const std::string& name, double limit, const std::string& peer,
                     const std::string& direct);

/// `name` moves so many bytes a second as `base` times `limit`, or `bytes_per_second` anyway.
Budget stream_at_least(int issue, const std::string& name, double limit, const std::string& base,
                       double bytes_per_second);

/// The memory of `name`, which is watched, never exceeds so many MiB.
Budget pss_at_most(int issue, const std::string& name, double limit);

/// The memory of `name`, which is watched, does not grow: the peak of the second half is at most
/// `limit` times that of the first.
Budget pss_flat(int issue, const std::string& name, double limit);

}  // namespace procrun::bench
