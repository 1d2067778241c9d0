#include "engine/dependencies.h"

#include <utility>

#include "input/shell.h"

namespace procrun::engine {

Dependencies::Released Dependencies::add(Waiting waiting) {
  Released released;
  std::size_t needs = 0;
  for (const std::string& name : waiting.json->after) {
    const auto end = ends_.find(name);
    if (end == ends_.end()) {
      ++needs;
    } else if (!end->second.ok) {
      const auto job = waiting.json;
      skip(std::move(waiting), name, end->second, released);
      settle(job->name, {.ok = false, .why_not = "was skipped"}, released);
      return released;
    }
  }
  if (needs == 0) {
    released.ready.push_back(std::move(waiting));
    return released;
  }
  for (const std::string& name : waiting.json->after) {
    if (!ends_.contains(name)) dependants_[name].push_back(waiting.seq);
  }
  const auto seq = waiting.seq;
  held_.emplace(seq, Held{std::move(waiting), needs});
  return released;
}

Dependencies::Released Dependencies::ended(const input::JsonJob& job, const End& end) {
  Released released;
  settle(job.name, end, released);
  return released;
}

/// What a job's end means for those that are after it, and so for those after these.
void Dependencies::settle(const std::string& name, const End& end, Released& released) {
  std::vector<std::pair<std::string, End>> to_do{{name, end}};
  while (!to_do.empty()) {
    const auto [ended, how] = std::move(to_do.back());
    to_do.pop_back();
    if (ended.empty()) continue;  // nobody can be after it
    ends_.insert_or_assign(ended, how);
    const auto dependants = dependants_.extract(ended);
    if (dependants.empty()) continue;
    for (const std::uint64_t seq : dependants.mapped()) {
      const auto held = held_.find(seq);
      if (held == held_.end()) continue;  // it was skipped for another
      if (how.ok && --held->second.needs != 0) continue;
      Waiting waiting = std::move(held->second.waiting);
      held_.erase(held);
      if (how.ok) {
        released.ready.push_back(std::move(waiting));
        continue;
      }
      to_do.push_back({waiting.json->name, {.ok = false, .why_not = "was skipped"}});
      skip(std::move(waiting), ended, how, released);
    }
  }
}

void Dependencies::skip(Waiting waiting, const std::string& name, const End& end,
                        Released& released) {
  const std::string why = "needs '" + input::printable(name) + "', which " + end.why_not;
  released.skipped.push_back({std::move(waiting), why});
}

}  // namespace procrun::engine
