#include "sys/cpus.h"

#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "sys/slurp.h"

namespace procrun::sys {
namespace {

/// Cuts the text up to the next `separator` off `rest` and returns it.
std::string_view cut(std::string_view& rest, char separator) {
  const auto end = std::min(rest.find(separator), rest.size());
  const auto head = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return head;
}

/// "200000 100000" is two processors; "max 100000" and "-1" are no limit, told as 0.
unsigned quota_in(const std::string& quota, const std::string& period) {
  const long long q = std::atoll(quota.c_str());
  const long long p = std::atoll(period.c_str());
  return q > 0 && p > 0 ? static_cast<unsigned>((q + p - 1) / p) : 0;
}

unsigned quota_of_v2(const std::string& directory) {
  const std::string text = slurp(directory + "/cpu.max");
  const auto space = text.find(' ');
  return space == std::string::npos ? 0 : quota_in(text, text.substr(space + 1));
}

unsigned quota_of_v1(const std::string& directory) {
  return quota_in(slurp(directory + "/cpu.cfs_quota_us"), slurp(directory + "/cpu.cfs_period_us"));
}

/// The tightest limit on the way from `path` up to the root of the hierarchy.
template <class QuotaOf>
unsigned tightest(const std::string& mount, std::string path, QuotaOf quota_of) {
  unsigned limit = 0;
  for (;;) {
    const unsigned quota = quota_of(mount + path);
    if (quota != 0) limit = limit == 0 ? quota : std::min(limit, quota);
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return limit;
    path.erase(slash);
  }
}

bool lists_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    if (cut(controllers, ',') == "cpu") return true;
  }
  return false;
}

unsigned cpus_in_affinity() {
  // The kernel refuses a set smaller than its own (EINVAL): grow until it fits.
  for (int cpus = 1024; cpus <= 1 << 20; cpus *= 4) {
    std::vector<cpu_set_t> set(CPU_ALLOC_SIZE(cpus) / sizeof(cpu_set_t) + 1);
    const std::size_t size = set.size() * sizeof(cpu_set_t);
    if (::sched_getaffinity(0, size, set.data()) == 0) {
      return static_cast<unsigned>(CPU_COUNT_S(size, set.data()));
    }
    if (errno != EINVAL) break;
  }
  return 1;
}

}  // namespace

unsigned cgroup_quota(const std::string& root, const std::string& membership) {
  unsigned limit = 0;
  const auto tighten = [&](unsigned quota) {
    if (quota != 0) limit = limit == 0 ? quota : std::min(limit, quota);
  };
  for (std::string_view rest = membership; !rest.empty();) {
    std::string_view path = cut(rest, '\n');  // ID:CONTROLLERS:PATH
    cut(path, ':');
    const std::string controllers{cut(path, ':')};
    if (controllers.empty()) {
      tighten(tightest(root, std::string{path}, quota_of_v2));
      tighten(tightest(root + "/unified", std::string{path}, quota_of_v2));
    } else if (lists_cpu(controllers)) {
      tighten(tightest(root + "/cpu", std::string{path}, quota_of_v1));
      tighten(tightest(root + "/" + controllers, std::string{path}, quota_of_v1));
    }
  }
  return limit;
}

unsigned usable_cpus() {
  const unsigned cpus = std::max(1U, cpus_in_affinity());
  const unsigned quota = cgroup_quota("/sys/fs/cgroup", slurp("/proc/self/cgroup"));
  return quota == 0 ? cpus : std::min(cpus, quota);
}

}  // namespace procrun::sys
