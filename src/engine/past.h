#pragma once
// What became of the jobs of earlier runs, and so which are to be run now.
#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>

#include "engine/identity.h"

namespace procrun::engine {

/// How far an earlier run came with a job, by its record.
enum class Fate : std::uint8_t {
  Unknown,   // it never began, or was cancelled
  InFlight,  // it began, and its end was never recorded
  Ok,
  Failed,
};

/// Which jobs are run.
enum class Again : std::uint8_t {
  All,
  Unfinished,  // those that have not ended (--resume)
  NotOk,       // and those that failed (--resume-failed)
  OnlyFailed,  // only those that failed or were in flight (--retry-failed)
};

/// The fates that a journal tells by the jobs' content, or a job log by number and command.
class Past {
 public:
  explicit Past(Again again = Again::All) : again_{again} {}

  void note(const std::string& key, std::uint64_t occurrence, Fate fate);
  void note(std::uint64_t seq, std::string command, Fate fate);

  /// Somebody has to be asked for each job.
  bool matters() const noexcept { return again_ != Again::All; }
  /// It is asked by number: the caller has to know the command.
  bool by_number() const noexcept { return !by_number_.empty(); }

  Fate fate(const Identity& identity) const;
  /// Throws std::runtime_error where the job with that number was another: the list of inputs, or
  /// the command, has changed, and to skip by number would skip the wrong one.
  Fate fate(std::uint64_t seq, const std::string& command) const;
  bool is_to_run(Fate fate) const noexcept;

 private:
  struct Numbered {
    std::string command;
    Fate fate;
  };

  Again again_;
  std::unordered_map<std::string, std::map<std::uint64_t, Fate>> by_content_;
  std::map<std::uint64_t, Numbered> by_number_;
};

}  // namespace procrun::engine
