#pragma once
// What holds for one job of a run and not for the others.
#include <optional>
#include <string>
#include <vector>

#include "job/job.h"

namespace procrun::job {

/// What it does not name is as for all.
struct OwnPolicy {
  std::string name = {};                                // what the job is called; empty: nothing
  std::optional<sys::Duration> timeout = std::nullopt;  // of each attempt; zero: none
  std::optional<unsigned> retries = std::nullopt;       // attempts after the first
  std::string directory = {};                           // seen from that of all
  std::vector<std::string> env = {};                    // "K=V", each K once
  std::vector<std::string> unset = {};                  // K
};

/// The policy for such a job of a run with the policy `all`.
Policy with(const Policy& all, const OwnPolicy& own);

}  // namespace procrun::job
