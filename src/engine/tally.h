#pragma once
// What became of a run's jobs: counted, and said in a line.
#include <cstdint>
#include <optional>
#include <string>

#include "engine/halt.h"
#include "engine/recipe.h"
#include "job/job.h"

namespace procrun::engine {

/// How a run ended.
struct PoolResult {
  std::uint64_t jobs = 0;  // that were begun
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t left_out = 0;  // that an earlier run had done
  std::uint64_t skipped = 0;   // never begun, for one that they need has not ended well
  int signal = 0;              // that ended it; SIGPIPE: nobody reads our output any more
  std::optional<int> halted = std::nullopt;  // the code of the job that ended the run at once
};

/// Counts into a result. Jobs that are cancelled because of a failure are no failures.
class Tally {
 public:
  /// `recipe` names jobs; it is borrowed.
  explicit Tally(const Recipe& recipe) : recipe_{recipe} {}

  /// The job was begun and has ended so.
  void count(const job::Job& job, const job::Outcome& outcome);
  void left_out() noexcept { ++result_.left_out; }
  /// The job was not begun; `why`: "needs 'build', which failed".
  void skipped(std::uint64_t seq, const std::string& why);
  /// The first signal is the one that ended the run.
  void ended_by(int signal) noexcept;
  void halted_by(const job::Outcome& outcome) { result_.halted = outcome.shell_code(); }

  /// Whether the rule ends the run, of `total` jobs if that is known.
  bool holds(const HaltRule& rule, const std::optional<std::uint64_t>& total) const;
  const PoolResult& result() const noexcept { return result_; }
  /// Such as `5 jobs, 3 ok, 1 failed (job 2: false: code 1), 1 cancelled`.
  std::string summary() const;

 private:
  std::uint64_t succeeded() const noexcept {
    return result_.jobs - result_.failed - result_.cancelled;
  }

  const Recipe& recipe_;
  PoolResult result_;
  std::string first_failure_;
  std::string first_skipped_;
};

}  // namespace procrun::engine
