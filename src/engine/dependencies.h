#pragma once
// Which jobs wait for others to have ended well: the rule alone, without processes.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/waiting.h"

namespace procrun::engine {

/// Holds jobs back until all that they are after have ended well, and gives up those of which one
/// has not. Jobs are known by their names; that each name comes, and that jobs do not wait for each
/// other, is for their source to see to (input/job_names.h).
class Dependencies {
 public:
  /// What has become of a job.
  struct End {
    bool ok = true;
    std::string why_not = {};  // "failed", "timed out"
  };
  struct Skipped {
    Waiting waiting;
    std::string why;  // "needs 'build', which failed"
  };
  /// What need not be held any more.
  struct Released {
    std::vector<Waiting> ready;
    std::vector<Skipped> skipped;
  };

  /// A job that is to be run.
  Released add(Waiting waiting);
  /// It has ended; or it was never added, since an earlier run has ended it.
  Released ended(const input::JsonJob& job, const End& end);

  /// So many are held.
  std::size_t held() const noexcept { return held_.size(); }

 private:
  struct Held {
    Waiting waiting;
    std::size_t needs = 0;  // so many that have not ended
  };

  void settle(const std::string& name, const End& end, Released& released);
  void skip(Waiting waiting, const std::string& name, const End& end, Released& released);

  std::unordered_map<std::string, End> ends_;  // by name
  std::unordered_map<std::uint64_t, Held> held_;
  std::unordered_map<std::string, std::vector<std::uint64_t>> dependants_;  // of those to end yet
};

}  // namespace procrun::engine
