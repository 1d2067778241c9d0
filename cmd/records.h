#pragma once
// What a pool's run leaves behind for the next one, and what it learns from the one before.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cmd/options.h"
#include "engine/durations.h"
#include "engine/past.h"
#include "event/bus.h"
#include "sys/fd.h"

namespace procrun::cmd {

struct RecordOptions {
  std::string job_log;  // "+FILE": behind what is there
  std::string journal;
  bool sync = false;
  engine::Again again = engine::Again::All;
};

void add_record_options(Options& options, RecordOptions& records);

/// The files of a run.
class Records {
 public:
  /// Reads what they say of the past; writes nothing. Waits a moment for a run that has just been
  /// killed and still holds the journal. Throws UsageError where the options contradict each
  /// other, std::runtime_error and std::system_error where a file cannot be used.
  /// `learns`: durations() are wanted.
  Records(const RecordOptions& options, bool learns);

  /// How long jobs took, where they are wanted.
  const std::optional<engine::Durations>& durations() const noexcept { return durations_; }
  const engine::Past& past() const noexcept { return past_; }
  /// Somebody wants to know jobs by their content.
  bool wants_identities() const noexcept { return static_cast<bool>(journal_file_); }
  /// The commands of the job log in the order of their numbers, empty where there is none: what
  /// --retry-failed runs where it is given no COMMAND.
  std::vector<std::string> logged_commands() const;

  /// From now on they are written.
  void start(event::Bus& bus, const std::string& run_id);

 private:
  void read_journal();
  void read_job_log();

  const RecordOptions& options_;
  engine::Past past_;
  std::optional<engine::Durations> durations_;
  sys::Fd journal_file_;
  bool journal_is_torn_ = false;
  sys::Fd job_log_file_;
  std::string job_log_path_;
  std::size_t job_log_size_ = 0;  // without what was torn
  std::vector<std::pair<std::uint64_t, std::string>> logged_;
  std::unique_ptr<event::Sink> journal_;
  std::unique_ptr<event::Sink> job_log_;
};

}  // namespace procrun::cmd
