#include "bench/budget.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "bench/figures.h"

namespace procrun::bench {

Budget rate_at_least(int issue, const std::string& name, double limit, const std::string& base) {
  return {issue,
          fmt::format("{}: at least {:g} x the rate of {}", name, limit, base),
          {name, base},
          [=](const Results& results) {
            return results.at(name).jobs_per_second() / results.at(base).jobs_per_second();
          },
          true,
          limit};
}

Budget time_at_most(int issue, const std::string& name, double limit, const std::string& base) {
  return {issue,
          fmt::format("{}: at most {:g} x the time of {}", name, limit, base),
          {name, base},
          [=](const Results& results) {
            return results.at(name).seconds_per_job() / results.at(base).seconds_per_job();
          },
          false,
          limit};
}

Budget seconds_at_most(int issue, const std::string& name, double limit) {
  return {issue,  fmt::format("{}: at most {:g} s", name, limit),
          {name}, [=](const Results& results) { return results.at(name).median_seconds(); },
          false,  limit};
}

Budget added_at_most(int issue, const std::string& name, double limit, const std::string& peer,
                     const std::string& direct) {
  return {issue,
          fmt::format("{}: adds at most {:g} x what {} adds", name, limit, peer),
          {name, peer, direct},
          [=](const Results& results) {
            const auto base = results.at(direct).seconds();
            return median_added(results.at(name).seconds(), base) /
                   median_added(results.at(peer).seconds(), base);
          },
          false,
          limit};
}

Budget stream_at_least(int issue, const std::string& name, double limit, const std::string& base,
                       double bytes_per_second) {
  return {issue,
          fmt::format("{}: at least {:g} x the rate of {}, or {:g} GB/s", name, limit, base,
                      bytes_per_second / 1e9),
          {name, base},
          [=](const Results& results) {
            const double rate = results.at(name).bytes_per_second();
            // As if the floor had been no higher than what is enough anyway.
            return std::max(rate / results.at(base).bytes_per_second(),
                            rate / bytes_per_second * limit);
          },
          true,
          limit};
}

Budget pss_at_most(int issue, const std::string& name, double limit) {
  return {issue,
          fmt::format("{}: at most {:g} MiB of Pss", name, limit),
          {name},
          [=](const Results& results) {
            const double peak = largest(results.at(name).pss_mib());
            // No process is without memory: the kernel did not tell.
            return peak > 0 ? peak : std::numeric_limits<double>::infinity();
          },
          false,
          limit};
}

Budget pss_flat(int issue, const std::string& name, double limit) {
  return {issue,
          fmt::format("{}: memory is flat, second half at most {:g} x the first", name, limit),
          {name},
          [=](const Results& results) {
            double worst = 0;
            for (const auto& run : results.at(name).runs) {
              worst = std::max(worst, growth(run.pss_mib));
            }
            return worst;
          },
          false,
          limit};
}

}  // namespace procrun::bench
