#include "job/oom.h"

#include <charconv>
#include <string>
#include <string_view>

#include "sys/slurp.h"

namespace procrun::job {
namespace {

std::optional<OomCount> count_in(const std::string& path) {
  const std::string text = sys::slurp(path);
  constexpr std::string_view kName = "oom_kill ";
  for (auto at = text.find(kName); at != std::string::npos; at = text.find(kName, at + 1)) {
    if (at != 0 && text[at - 1] != '\n') continue;
    OomCount count;
    const char* const number = text.data() + at + kName.size();
    const auto [end, error] = std::from_chars(number, text.data() + text.size(), count.kills);
    if (error == std::errc{}) return count;
  }
  return std::nullopt;
}

/// The path of the group in the line of /proc/self/cgroup that begins with `hierarchy`.
std::optional<std::string> group_of(const std::string& membership, std::string_view controllers) {
  std::size_t from = 0;
  while (from < membership.size()) {
    const auto to = membership.find('\n', from);
    const std::string line = membership.substr(from, to - from);
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (second != std::string::npos && line.substr(first + 1, second - first - 1) == controllers) {
      return line.substr(second + 1);
    }
    from = to == std::string::npos ? membership.size() : to + 1;
  }
  return std::nullopt;
}

}  // namespace

std::optional<OomCount> oom_count() {
  const std::string membership = sys::slurp("/proc/self/cgroup");
  if (const auto group = group_of(membership, "")) {
    if (const auto count = count_in("/sys/fs/cgroup" + *group + "/memory.events")) return count;
  }
  if (const auto group = group_of(membership, "memory")) {
    return count_in("/sys/fs/cgroup/memory" + *group + "/memory.oom_control");
  }
  return std::nullopt;
}

Known oom_since(const OomCount& before) {
  const auto now = oom_count();
  if (!now) return Known::Unknown;
  return now->kills > before.kills ? Known::Yes : Known::No;
}

}  // namespace procrun::job
