#include "bench/race.h"

#include "bench/figures.h"

namespace procrun::bench {

std::vector<double> Result::seconds() const {
  std::vector<double> all;
  for (const auto& run : runs) all.push_back(run.seconds);
  return all;
}

double Result::median_seconds() const { return median(seconds()); }

double Result::cpu_seconds_per_job() const {
  std::vector<double> all;
  for (const auto& run : runs) all.push_back(run.cpu_seconds);
  return median(std::move(all)) / static_cast<double>(contender.jobs);
}

double Result::spread() const {
  const auto all = seconds();
  return (quantile(all, 0.75) - quantile(all, 0.25)) / 2 / median(all);
}

std::vector<double> Result::pss_mib() const {
  std::vector<double> all;
  for (const auto& run : runs) all.insert(all.end(), run.pss_mib.begin(), run.pss_mib.end());
  return all;
}

Results race(const std::vector<Contender>& contenders, int rounds) {
  Results results;
  for (const auto& contender : contenders) results[contender.name].contender = contender;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t i = 0; i < contenders.size(); ++i) {
      const auto& contender = contenders[(i + static_cast<std::size_t>(round)) % contenders.size()];
      results[contender.name].runs.push_back(run(contender));
    }
  }
  return results;
}

}  // namespace procrun::bench
