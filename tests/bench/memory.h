#pragma once
// What a program and its workers hold in memory.
#include <sys/types.h>

namespace procrun::bench {

/// The Pss of `pid` and of those of its children that run the same program: procrun's workers, not
/// their jobs, which are grandchildren. Whoever ends meanwhile counts for nothing.
double pss_mib_of(pid_t pid);

}  // namespace procrun::bench
