#pragma once
// Limits, processors and users as people name them.
#include <string>
#include <vector>

#include "process/exec_child.h"

namespace procrun::job {

/// `nofile=1024:4096,core=0,as=2G,cpu=30s` with prlimit(1)'s names, soft:hard, one number for both,
/// `unlimited`. What stands on one side alone (`1024:`) leaves the other as it is. Throws
/// std::invalid_argument: an unknown name, no number, a soft limit above the hard one, one above
/// our own hard limit that we may not raise, and nproc for root, for whom the kernel ignores it.
std::vector<Limit> parse_limits(const std::string& text);

/// `0-3,6`. Throws std::invalid_argument: no list, or a processor that is not there.
cpu_set_t parse_cpus(const std::string& text);

/// A uid or name, with `:GID` or `:GROUP` if it is not the user's own; supplementary groups are the
/// user's. Numbers need no entry in the user database; names are looked for in /etc/passwd and
/// /etc/group, then with getent(1), which also asks where a static program cannot (LDAP). Throws
/// std::invalid_argument for an unknown one.
User find_user(const std::string& text);

}  // namespace procrun::job
