#pragma once
// Each job's output in files of its own, in the layout of GNU parallel's --results.
#include <span>
#include <string>
#include <vector>

#include "engine/waiting.h"
#include "job/captured.h"

namespace procrun::engine {

/// DIR/1/ITEM/2/ITEM/…/{stdout,stderr,seq}; where columns have names, DIR/NAME/ITEM/…, sorted by
/// name. In an item `/` is written `\_`, tab `\t`, NUL `\0` and `\` `\\`; `.` and `..`, which would
/// lead elsewhere, and the empty one get a `\` before them. Of a job that has several rows, each
/// begins with 1 again. What is longer than a name in a directory can be is cut, and has a hash of
/// all of it behind a `~`.
class Results {
 public:
  Results(std::string directory, std::vector<std::string> names);

  enum class Mode { Over, Behind };  // what is there already

  /// Writes what the job wrote. `spill` as for Printer::print. Throws
  /// std::system_error, with the path.
  void save(const Waiting& job, const job::Captured& output, const job::SpillFile& spill,
            Mode mode);

  /// Where that is.
  std::string path_of(const Waiting& job) const;

 private:
  std::string path_of(std::span<const std::string> row) const;

  std::string directory_;
  std::vector<std::string> names_;
};

}  // namespace procrun::engine
