#include "bench/report.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>

#include "bench/figures.h"

namespace procrun::bench {
namespace {

constexpr double kMicro = 1e6;
constexpr double kCrowded = 0.1;

const char* word_for(Verdict verdict) {
  switch (verdict) {
    case Verdict::Ok:
      return "ok";
    case Verdict::Missed:
      return "MISSED";
    case Verdict::Skipped:
      return "skipped";
  }
  return "?";
}

Judged judge(const Budget& budget, const Results& results) {
  const auto ran = [&](const std::string& name) { return results.count(name) > 0; };
  if (!std::all_of(budget.needs.begin(), budget.needs.end(), ran)) return {budget};
  const double figure = budget.figure(results);
  return {budget, budget.met_by(figure) ? Verdict::Ok : Verdict::Missed, figure};
}

// Who used the processors since it was made.
class Usage {
 public:
  double of_others(const Results& results) const {
    double ours = own_cpu_seconds() - own_;
    for (const auto& [name, result] : results) {
      for (const auto& run : result.runs) ours += run.cpu_seconds;
    }
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start_;
    const double others = busy_seconds() - busy_ - ours;
    return std::max(0.0, others / (wall.count() * this_machine().cpus));
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  double busy_ = busy_seconds();
  double own_ = own_cpu_seconds();
};

std::string gigabytes(const Result& result) {
  return result.contender.job_bytes == 0 ? ""
                                         : fmt::format("{:.2f}", result.bytes_per_second() / 1e9);
}

std::string mebibytes(const Result& result) {
  return result.contender.watch.count() == 0 ? ""
                                             : fmt::format("{:.2f}", largest(result.pss_mib()));
}

// Three figures that count, down to nanoseconds where a job is a function call.
std::string microseconds(double seconds) {
  const double value = seconds * kMicro;
  return value < 10 ? fmt::format("{:.3f}", value) : fmt::format("{:.1f}", value);
}

void print_row(const Result& result, const Result& first) {
  fmt::print("  {:<20}{:>13.1f}{:>11}{:>8.0f} %{:>11}{:>8.2f}{:>8}{:>9}\n", result.contender.name,
             result.jobs_per_second(), microseconds(result.seconds_per_job()),
             result.spread() * 100, microseconds(result.cpu_seconds_per_job()),
             result.jobs_per_second() / first.jobs_per_second(), gigabytes(result),
             mebibytes(result));
}

nlohmann::json to_json(const Result& result) {
  nlohmann::json all{{"name", result.contender.name},
                     {"argv", result.contender.argv},
                     {"jobs", result.contender.jobs},
                     {"median_s", result.median_seconds()},
                     {"jobs_per_s", result.jobs_per_second()},
                     {"spread", result.spread()},
                     {"cpu_us_per_job", result.cpu_seconds_per_job() * kMicro},
                     {"runs_s", result.seconds()}};
  if (result.contender.job_bytes > 0) all["bytes_per_s"] = result.bytes_per_second();
  if (result.contender.watch.count() > 0) all["pss_peak_mib"] = largest(result.pss_mib());
  return all;
}

nlohmann::json to_json(const Judged& judged) {
  nlohmann::json all{{"issue", judged.budget.issue},
                     {"promise", judged.budget.promise},
                     {"limit", judged.budget.limit},
                     {"verdict", word_for(judged.verdict)}};
  if (judged.verdict != Verdict::Skipped) all["figure"] = judged.figure;
  return all;
}

nlohmann::json to_json(const Finding& finding) {
  nlohmann::json all{{"name", finding.ran.name},           {"about", finding.ran.about},
                     {"rounds", finding.ran.rounds},       {"absent", finding.absent},
                     {"others_cpu_share", finding.others}, {"contenders", nlohmann::json::array()},
                     {"budgets", nlohmann::json::array()}};
  for (const auto& contender : finding.ran.contenders) {
    all["contenders"].push_back(to_json(finding.results.at(contender.name)));
  }
  for (const auto& judged : finding.judged) all["budgets"].push_back(to_json(judged));
  return all;
}

}  // namespace

bool Finding::disturbed() const { return others >= kCrowded; }

bool Finding::missed() const {
  return std::any_of(judged.begin(), judged.end(),
                     [](const Judged& each) { return each.verdict == Verdict::Missed; });
}

Finding examine(const Case& to_run) {
  Finding finding{.ran = to_run, .results = {}, .absent = {}, .judged = {}};
  auto& contenders = finding.ran.contenders;
  for (const auto& contender : to_run.contenders) {
    if (!find_program(contender.argv.at(0))) finding.absent.push_back(contender.name);
  }
  const auto is_absent = [](const Contender& each) { return !find_program(each.argv.at(0)); };
  contenders.erase(std::remove_if(contenders.begin(), contenders.end(), is_absent),
                   contenders.end());
  const Usage usage;
  finding.results = race(contenders, to_run.rounds);
  finding.others = usage.of_others(finding.results);
  for (const auto& budget : to_run.budgets)
    finding.judged.push_back(judge(budget, finding.results));
  return finding;
}

void print(const Machine& machine) {
  fmt::print("Linux {}, {} processors, load {:.2f}\n", machine.kernel, machine.cpus, machine.load);
}

void print(const Finding& finding) {
  const auto& contenders = finding.ran.contenders;
  fmt::print("\n{}: {} (rounds: {})\n", finding.ran.name, finding.ran.about, finding.ran.rounds);
  fmt::print("  {:<20}{:>13}{:>11}{:>10}{:>11}{:>8}{:>8}{:>9}\n", "", "jobs/s", "us/job", "spread",
             "cpu us/job", "x first", "GB/s", "Pss MiB");
  for (const auto& contender : contenders) {
    print_row(finding.results.at(contender.name), finding.results.at(contenders.front().name));
  }
  if (finding.disturbed()) {
    fmt::print("  disturbed: others took {:.0f} % of the processors; trust cpu us/job alone\n",
               finding.others * 100);
  }
  for (const auto& name : finding.absent) fmt::print("  not installed: {}\n", name);
  for (const auto& [budget, verdict, figure] : finding.judged) {
    const auto found = verdict == Verdict::Skipped ? "" : fmt::format(": {:.2f}", figure);
    fmt::print("  {:<8}{}{} (issue {})\n", word_for(verdict), budget.promise, found, budget.issue);
  }
  std::fflush(stdout);
}

nlohmann::json to_json(const Machine& machine, const Setup& setup,
                       const std::vector<Finding>& findings) {
  nlohmann::json all{{"kernel", machine.kernel}, {"cpus", machine.cpus},
                     {"load", machine.load},     {"rounds", setup.rounds},
                     {"quick", setup.quick},     {"cases", nlohmann::json::array()}};
  for (const auto& finding : findings) all["cases"].push_back(to_json(finding));
  return all;
}

}  // namespace procrun::bench
