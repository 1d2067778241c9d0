#pragma once
// The lines of a picture: which process stands where.
#include <optional>
#include <string>
#include <vector>

#include "report/timeline.h"

namespace procrun::report {

/// One process, or successive ones of one place: the jobs of a slot, its workers.
struct Row {
  std::vector<std::size_t> lives;     // in the order of their beginnings; never empty
  std::optional<std::size_t> parent;  // the row that it hangs below
  unsigned depth = 0;
  bool is_last = false;  // of those that hang there
};

/// Parents stand above their children. Who adopted one of the run without being of it stands on
/// top; an orphan that nobody saw made hangs below its adopter.
std::vector<Row> rows_of(const History& history);

/// In which row each life stands.
std::vector<std::size_t> row_of_each(const History& history, const std::vector<Row>& rows);

/// "28982 sleep 1", or of several "slot 2: 25 processes", "worker 2: 2 processes".
std::string label_of(const History& history, const Row& row);

/// The lines that lead from a row's parent to it, two columns for each step down. `ascii`: made of
/// | - and ` alone.
std::string branch_of(const std::vector<Row>& rows, std::size_t row, bool ascii);

}  // namespace procrun::report
