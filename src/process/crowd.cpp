#include "process/crowd.h"

#include <unistd.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace procrun {
namespace {

/// So many looks, before a crowd that goes on growing is taken as it is.
constexpr int kMostLooks = 16;

void require_proc() {
  if (sys::proc_is_ours()) return;
  throw std::runtime_error("members can only be found where /proc shows our processes");
}

/// This process and all above it.
std::set<pid_t> ourselves(const std::vector<sys::ProcessStat>& all) {
  std::map<pid_t, pid_t> parents;
  for (const auto& stat : all) parents.emplace(stat.pid, stat.ppid);
  std::set<pid_t> line;
  for (pid_t pid = ::getpid(); pid > 0 && line.insert(pid).second;) pid = parents[pid];
  return line;
}

/// The process that the number and the start time name, if it is still there.
std::optional<Stranger> find(pid_t pid, std::uint64_t start_time) {
  auto found = Stranger::find(pid);
  const auto stat = found ? found->stat() : std::nullopt;
  if (!stat || stat->start_time != start_time) return std::nullopt;
  return found;
}

}  // namespace

Crowd::Crowd(Kind kind, pid_t number) : kind_{kind}, number_{number} { require_proc(); }

Crowd::Crowd(Stranger root) : root_{std::move(root)} { require_proc(); }

std::vector<Stranger> Crowd::arrivals() {
  std::vector<Stranger> arrivals;
  for (int looks = 0; looks < kMostLooks && look(arrivals); ++looks) {
  }
  return arrivals;
}

/// False when nobody new was found.
bool Crowd::look(std::vector<Stranger>& arrivals) {
  const auto all = sys::all_processes();
  Members members = members_among(all);
  for (const pid_t pid : ourselves(all)) members.erase(pid);
  bool found_new = false;
  for (const auto& [pid, start_time] : members) {
    const auto known = known_.find(pid);
    if (known != known_.end() && known->second == start_time) continue;
    found_new = true;
    if (auto found = find(pid, start_time)) arrivals.push_back(std::move(*found));
  }
  known_ = std::move(members);  // those that are gone need not be remembered
  return found_new;
}

bool Crowd::has(const sys::ProcessStat& stat) const {
  return (kind_ == Kind::Group ? stat.pgid : stat.sid) == number_;
}

bool Crowd::exists() const {
  const auto all = sys::all_processes();
  return std::any_of(all.begin(), all.end(), [&](const auto& stat) { return has(stat); });
}

Crowd::Members Crowd::members_among(const std::vector<sys::ProcessStat>& all) const {
  if (root_) return family_among(all);
  Members members;
  for (const auto& stat : all) {
    const auto known = known_.find(stat.pid);  // who has left it is waited for all the same
    const bool was_in_it = known != known_.end() && known->second == stat.start_time;
    if (was_in_it || has(stat)) members.emplace(stat.pid, stat.start_time);
  }
  return members;
}

/// All below the root and below those that were once seen there.
Crowd::Members Crowd::family_among(const std::vector<sys::ProcessStat>& all) const {
  Members members;
  std::multimap<pid_t, const sys::ProcessStat*> children;
  std::vector<pid_t> parents;
  if (!root_->is_reaped()) parents.push_back(root_->pid());
  for (const auto& stat : all) {
    children.emplace(stat.ppid, &stat);
    const auto known = known_.find(stat.pid);
    if (known == known_.end() || known->second != stat.start_time) continue;
    members.emplace(stat.pid, stat.start_time);
    parents.push_back(stat.pid);
  }
  while (!parents.empty()) {
    const auto [from, to] = children.equal_range(parents.back());
    parents.pop_back();
    for (auto child = from; child != to; ++child) {
      const auto& stat = *child->second;
      if (members.emplace(stat.pid, stat.start_time).second) parents.push_back(stat.pid);
    }
  }
  return members;
}

}  // namespace procrun
