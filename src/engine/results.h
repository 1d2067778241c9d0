#pragma once
// Each job's output in files of its own, in the layout of GNU parallel's --results.
#include <cstdint>
#include <string>
#include <vector>

#include "input/rows.h"
#include "job/captured.h"

namespace procrun::engine {

/// DIR/1/ITEM/2/ITEM/…/{stdout,stderr,seq}; where columns have names, DIR/NAME/ITEM/…, sorted by
/// name. In an item `/` is written `\_`, tab `\t`, NUL `\0` and `\` `\\`; `.` and `..`, which would
/// lead elsewhere, and the empty one get a `\` before them.
class Results {
 public:
  Results(std::string directory, std::vector<std::string> names);

  enum class Mode { Over, Behind };  // what is there already

  /// Writes what the job with that row wrote. `spill` as for Printer::print. Throws
  /// std::system_error, with the path.
  void save(const input::Row& row, std::uint64_t seq, const job::Captured& output,
            const job::SpillFile& spill, Mode mode);

  /// Where that is.
  std::string path_of(const input::Row& row) const;

 private:
  std::string directory_;
  std::vector<std::string> names_;
};

}  // namespace procrun::engine
