#include "input/job_names.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "input/nearest.h"
#include "input/shell.h"

namespace procrun::input {
namespace {

using Jobs = std::vector<std::shared_ptr<const JsonJob>>;

/// The jobs that have a name and wait for each other, or for others that do: what is left when all
/// that need not wait are taken away, again and again.
class Tangle {
 public:
  explicit Tangle(const Jobs& jobs) {
    for (const auto& job : jobs) {
      if (!job->name.empty()) left_.emplace(job->name, job.get());
    }
    std::vector<const JsonJob*> free;
    for (const auto& [name, job] : left_) {
      for (const std::string& other : job->after) {
        if (!left_.contains(other)) continue;
        dependants_[other].push_back(job);
        ++needs_[name];
      }
      if (!needs_.contains(name)) free.push_back(job);
    }
    while (!free.empty()) {
      const JsonJob* const job = free.back();
      free.pop_back();
      left_.erase(job->name);
      for (const JsonJob* dependant : dependants_[job->name]) {
        if (--needs_[dependant->name] == 0) free.push_back(dependant);
      }
    }
  }

  bool empty() const noexcept { return left_.empty(); }
  bool holds(const std::string& name) const { return left_.contains(name); }

  /// From a job of it to the next one that it waits for, until one comes again; from there on.
  std::vector<const JsonJob*> cycle(const JsonJob& first) const {
    std::vector<const JsonJob*> path;
    std::unordered_set<const JsonJob*> seen;
    const JsonJob* job = &first;
    for (; seen.insert(job).second; job = next(*job)) path.push_back(job);
    path.erase(path.begin(), std::find(path.begin(), path.end(), job));
    return path;
  }

 private:
  /// One that a job of it waits for.
  const JsonJob* next(const JsonJob& job) const {
    const auto name = std::find_if(job.after.begin(), job.after.end(),
                                   [&](const std::string& other) { return holds(other); });
    return left_.at(*name);
  }

  std::unordered_map<std::string_view, const JsonJob*> left_;
  std::unordered_map<std::string_view, std::vector<const JsonJob*>> dependants_;
  std::unordered_map<std::string_view, std::size_t> needs_;
};

/// `a -> b -> a`; of a long one its beginning.
std::string text_of(const std::vector<const JsonJob*>& cycle) {
  constexpr std::size_t kEnough = 10;
  std::string text;
  for (std::size_t i = 0; i < std::min(cycle.size(), kEnough); ++i) {
    text += printable(cycle[i]->name) + " -> ";
  }
  if (cycle.size() > kEnough) text += "... -> ";
  return text + printable(cycle.front()->name);
}

}  // namespace

void JobNames::add(std::shared_ptr<const JsonJob> job) {
  if (!job->name.empty()) {
    const auto [same, is_new] = places_.emplace(job->name, job->place);
    if (!is_new) {
      throw std::invalid_argument(fmt::format("{}: the name '{}' is that of the job in {}",
                                              job->place, printable(job->name), same->second));
    }
  }
  if (!job->after.empty()) waiting_.push_back(std::move(job));
}

void JobNames::end_section(std::uint64_t barrier) {
  for (const auto& job : waiting_) {
    for (const std::string& name : job->after) {
      if (!places_.contains(name)) refuse(*job, name, barrier);
    }
  }
  refuse_cycles();
  waiting_.clear();
}

void JobNames::refuse(const JsonJob& job, const std::string& name, std::uint64_t barrier) const {
  const std::string shown = printable(name);
  if (of_ == Of::Choice) {
    throw std::invalid_argument(
        fmt::format("{}: 'after': '{}' is not among the jobs that --skip, --count and --partition "
                    "leave",
                    job.place, shown));
  }
  if (barrier != 0) {
    throw std::invalid_argument(fmt::format(
        "{}: 'after': no job before the barrier in line {} is called '{}', and none behind it "
        "starts before this one has ended",
        job.place, barrier, shown));
  }
  std::vector<std::string> known;
  for (const auto& [other, place] : places_) known.push_back(other);
  const std::string meant = nearest(name, known);
  throw std::invalid_argument(
      fmt::format("{}: 'after': no job is called '{}'{}", job.place, shown,
                  meant.empty() ? "" : "; did you mean '" + printable(meant) + "'?"));
}

void JobNames::refuse_cycles() const {
  if (waiting_.empty()) return;
  const Tangle tangle{waiting_};
  if (tangle.empty()) return;
  const auto first = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const auto& job) { return tangle.holds(job->name); });
  const auto cycle = tangle.cycle(**first);
  throw std::invalid_argument(fmt::format("{}: 'after': these jobs wait for each other: {}",
                                          cycle.front()->place, text_of(cycle)));
}

}  // namespace procrun::input
