#include "bench/report.h"

#include <fmt/core.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdlib>

#include "bench/figures.h"
#include "sys/cpus.h"

namespace procrun::bench {
namespace {

constexpr double kMicro = 1e6;

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

std::string gigabytes(const Result& result) {
  return result.contender.job_bytes == 0 ? ""
                                         : fmt::format("{:.2f}", result.bytes_per_second() / 1e9);
}

std::string mebibytes(const Result& result) {
  return result.contender.watch.count() == 0 ? ""
                                             : fmt::format("{:.2f}", largest(result.pss_mib()));
}

void print_row(const Result& result, const Result& first) {
  fmt::print("  {:<20}{:>11.1f}{:>11.1f}{:>8.0f} %{:>11.1f}{:>8.2f}{:>8}{:>9}\n",
             result.contender.name, result.jobs_per_second(), result.seconds_per_job() * kMicro,
             result.spread() * 100, result.cpu_seconds_per_job() * kMicro,
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
  nlohmann::json all{{"name", finding.ran.name},
                     {"about", finding.ran.about},
                     {"rounds", finding.ran.rounds},
                     {"absent", finding.absent},
                     {"contenders", nlohmann::json::array()},
                     {"budgets", nlohmann::json::array()}};
  for (const auto& contender : finding.ran.contenders) {
    all["contenders"].push_back(to_json(finding.results.at(contender.name)));
  }
  for (const auto& judged : finding.judged) all["budgets"].push_back(to_json(judged));
  return all;
}

}  // namespace

bool Finding::missed() const {
  return std::any_of(judged.begin(), judged.end(),
                     [](const Judged& each) { return each.verdict == Verdict::Missed; });
}

Finding examine(const Case& to_run) {
  Finding finding{to_run, {}, {}, {}};
  auto& contenders = finding.ran.contenders;
  for (const auto& contender : to_run.contenders) {
    if (!find_program(contender.argv.at(0))) finding.absent.push_back(contender.name);
  }
  const auto is_absent = [](const Contender& each) { return !find_program(each.argv.at(0)); };
  contenders.erase(std::remove_if(contenders.begin(), contenders.end(), is_absent),
                   contenders.end());
  finding.results = race(contenders, to_run.rounds);
  for (const auto& budget : to_run.budgets)
    finding.judged.push_back(judge(budget, finding.results));
  return finding;
}

Machine this_machine() {
  utsname name{};
  ::uname(&name);
  double load = 0;
  ::getloadavg(&load, 1);
  return {name.release, sys::usable_cpus(), load};
}

void print(const Machine& machine) {
  fmt::print("Linux {}, {} processors, load {:.2f}{}\n", machine.kernel, machine.cpus, machine.load,
             machine.load > 0.5 ? ": others are at work, so trust no single figure" : "");
}

void print(const Finding& finding) {
  const auto& contenders = finding.ran.contenders;
  fmt::print("\n{}: {} ({} rounds)\n", finding.ran.name, finding.ran.about, finding.ran.rounds);
  fmt::print("  {:<20}{:>11}{:>11}{:>10}{:>11}{:>8}{:>8}{:>9}\n", "", "jobs/s", "us/job", "spread",
             "cpu us/job", "x first", "GB/s", "Pss MiB");
  for (const auto& contender : contenders) {
    print_row(finding.results.at(contender.name), finding.results.at(contenders.front().name));
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
