#pragma once
// Whether the kernel killed for want of memory: told only where it counts such kills.
#include <cstdint>
#include <optional>

#include "job/job.h"

namespace procrun::job {

/// How often the kernel has killed in this process's memory control group so far: memory.events of
/// cgroup v2, memory.oom_control of v1. Empty where neither can be read.
struct OomCount {
  std::uint64_t kills = 0;
};
std::optional<OomCount> oom_count();

/// Whether it has killed since: a count of the group, which says nothing of who it was. Unknown
/// where it does not tell.
Known oom_since(const OomCount& before);

}  // namespace procrun::job
