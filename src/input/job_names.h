#pragma once
// The names of a job file's jobs, by which others say that they come after them.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "input/json_job.h"

namespace procrun::input {

/// Takes the jobs one after the other and finds what could never be run. A name may be used before
/// its job is there, but not beyond a barrier: nothing behind it starts while somebody waits.
class JobNames {
 public:
  /// Of what the jobs are all.
  enum class Of : std::uint8_t {
    File,    // of a job file
    Choice,  // what options have left of one
  };

  explicit JobNames(Of of = Of::File) : of_{of} {}

  /// Throws std::invalid_argument where another has the same name.
  void add(std::shared_ptr<const JsonJob> job);
  /// A barrier, in that line, or at 0 the end. Throws std::invalid_argument where a job of those
  /// since the last one is after a name that nobody has, or jobs wait for each other.
  void end_section(std::uint64_t barrier = 0);

 private:
  [[noreturn]] void refuse(const JsonJob& job, const std::string& name,
                           std::uint64_t barrier) const;
  void refuse_cycles() const;

  Of of_;
  std::unordered_map<std::string, std::string> places_;  // of each name
  std::vector<std::shared_ptr<const JsonJob>> waiting_;  // for others, in this section
};

}  // namespace procrun::input
