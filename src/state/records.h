#pragma once
// The records of `fork`: one file a job, which says who it is and, once it has ended, how.
#include <sys/types.h>

#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "process/exit_status.h"
#include "sys/fd.h"
#include "sys/process_id.h"

namespace procrun::state {

/// A job that was let go. Its file is written by its supervisor alone: once when the command runs,
/// once when it has ended.
struct Record {
  std::string id = {};    // names the file; never used twice
  std::string name = {};  // --name; empty: it has none
  std::vector<std::string> argv = {};
  std::string directory = {};  // where it was started
  std::string out = {};        // the files that its output goes to; empty: somewhere else
  std::string err = {};
  std::string term_seq = {};       // how it is to be ended, as --term-seq has it; empty: as usual
  std::string boot = {};           // sys::boot_id()
  std::string pid_namespace = {};  // sys::pid_namespace()
  sys::ProcessId command = {};
  sys::ProcessId supervisor = {};
  std::string started = {};                         // RFC 3339
  std::string ended = {};                           // the same; empty: not that we know
  std::optional<ExitStatus> status = std::nullopt;  // how it ended; empty likewise
};

/// A record as the bytes of a file, with a checksum at its end.
std::string to_text(const Record& record);
/// Empty where they are not those of a whole record: torn, or changed by somebody.
std::optional<Record> parse_record(std::string_view text);

/// A record that is not whole (the machine went down while it was written).
class TornRecord : public std::runtime_error {
 public:
  explicit TornRecord(const std::string& path)
      : std::runtime_error{"the record " + path +
                           " is not whole; remove it, if its job does not run any more"} {}
};

/// How it stands with a job.
struct JobState {
  enum class Kind : std::uint8_t {
    Running,
    Ended,    // status
    Unknown,  // it has ended, and nobody wrote down how: why
  };
  Kind kind = Kind::Unknown;
  ExitStatus status = ExitStatus{};
  /// Its supervisor is there: Running, it will write down the end; Ended, others of its tree live
  /// on.
  bool supervised = false;
  std::string why = {};

  /// "running", "exited with code 3", "unknown: its supervisor was killed".
  std::string text() const;
};

/// All that lies in one state directory, torn records by their paths.
struct Listing {
  std::vector<Record> records;  // the oldest first
  std::vector<std::string> torn;
};

/// The records in one state directory. Whoever is killed at any instant while it calls one of
/// these, what was whole before stays so: files are written beside and renamed.
class Records {
 public:
  /// `directory` as state::directory() returns it.
  explicit Records(const std::string& directory);

  const std::string& directory() const noexcept { return directory_; }
  std::string path_of(const Record& record) const;

  /// Writes the record's file anew. Throws std::system_error (a full disk).
  void keep(const Record& record) const;
  /// From now on it is the job that goes by its name.
  void give_name(const Record& record) const;

  /// The record with that id. Empty where there is none; throws TornRecord.
  std::optional<Record> read(const std::string& id) const;
  /// The last job with that name. Likewise.
  std::optional<Record> named(const std::string& name) const;
  /// The job whose command has that pid, or the last one that had.
  std::optional<Record> of_pid(pid_t pid) const;
  /// By name, or by pid if `word` is a number.
  std::optional<Record> find(const std::string& word) const;
  Listing all() const;

  /// How it stands now; the file may know more by now than `record`. A process is never taken for
  /// a later one that was given its number.
  JobState state_of(const Record& record) const;

  /// The right to start a job by that name: a lock, held while the descriptor or a copy of it in
  /// another process is open. Empty where somebody has it.
  std::optional<sys::Fd> take_name(const std::string& name) const;

  /// Removes what has ended more than `age` ago and goes by no name, with its logs in the
  /// directory.
  void forget(std::chrono::seconds age) const;

 private:
  void forget_file(const std::string& file) const;

  std::string directory_;
};

/// An id for a new job of that name (or none).
std::string new_id(const std::string& name);

/// Throws std::invalid_argument where `name` cannot be a job's: letters, digits and `._-`, not a
/// mere number, which is a pid.
void check_name(const std::string& name);

}  // namespace procrun::state
