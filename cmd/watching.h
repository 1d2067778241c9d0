#pragma once
// waitpid as a tool: who is waited for, for what, and what comes of it.
#include <optional>
#include <string>
#include <vector>

#include "cmd/options.h"
#include "cmd/shared.h"
#include "cmd/timeline.h"
#include "engine/lookout.h"
#include "job/job.h"
#include "process/address.h"

namespace procrun::cmd {

struct WatchOptions {
  std::vector<std::string> pidfiles;
  std::vector<int> groups;
  std::vector<int> sessions;
  std::vector<Address> roots;  // whose descendants are waited for
  engine::Until until = engine::Until::Exit;
  std::size_t count = 0;  // 0: all
  bool exited = false;    // who is missing is no error
  bool nohang = false;
  std::optional<sys::Duration> timeout;
  job::StopPlan on_timeout;
  bool status = false;
  bool json = false;
  std::string events;  // these two are the lesson's as well
  TimelineOptions timeline;

  bool has_crowds() const { return !groups.empty() || !sessions.empty() || !roots.empty(); }
  bool has_targets() const { return has_crowds() || !pidfiles.empty(); }
};

/// Declares them, but --nohang, which the lesson has as well.
void add_watch_options(Options& options, WatchOptions& watch);

/// Waits for the processes that `words` name and those of the options; the exit code. Throws
/// UsageError.
int watch(const std::vector<std::string>& words, const WatchOptions& options, const Shared& shared);

}  // namespace procrun::cmd
