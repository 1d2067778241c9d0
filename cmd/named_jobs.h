#pragma once
// The jobs of `fork`, as waitpid asks for them: by name, or by the pid that they had.
#include <optional>
#include <string>

#include "process/address.h"
#include "process/stranger.h"
#include "state/records.h"

namespace procrun::cmd {

/// Whether `word` can be the name of a job.
bool can_be_job(const std::string& word);

/// The records that `fork` keeps; looked for in the state directory when the first is asked for.
class NamedJobs {
 public:
  /// The last job of that name; empty where there is none. Throws state::TornRecord.
  std::optional<state::Record> find(const std::string& name);
  /// The last job of this boot whose command had that address and has ended; empty where there is
  /// none.
  std::optional<state::Record> ended_at(const Address& address);
  /// Its process; empty where it has ended.
  std::optional<Stranger> process_of(const state::Record& record);
  /// How it ended, when its process is gone. Blocks for a moment at most, until its supervisor has
  /// written it down.
  state::JobState end_of(const state::Record& record);

 private:
  const state::Records& records();

  std::optional<state::Records> records_;
};

}  // namespace procrun::cmd
