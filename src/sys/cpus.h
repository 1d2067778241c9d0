#pragma once
// How many processors are ours to use.
#include <string>

namespace procrun::sys {

/// The processors that this process may run on (sched_getaffinity(2)), limited by the CPU quota
/// of its control groups (cgroup v2 cpu.max, v1 cpu.cfs_quota_us), rounded up; at least 1.
unsigned usable_cpus();

/// The quota alone, in processors rounded up, read below `root` (the mount point of the cgroup
/// file systems) for the process whose /proc/PID/cgroup text is `membership`; 0 = no limit.
unsigned cgroup_quota(const std::string& root, const std::string& membership);

}  // namespace procrun::sys
