#pragma once
// The picture of a run for a terminal.
#include <string>

#include "report/timeline.h"

namespace procrun::report {

struct TextStyle {
  std::size_t width = 80;  // columns; what does not fit is cut; 40 are used at the least
  bool ascii = false;      // no letter beyond ASCII
  bool colour = false;     // by escape sequences; without it they are told apart by glyph alone
  std::size_t most_rows = 100;  // what is more is counted
};

/// Lines, each no wider than the style has it: a title, a time axis, a row for each process or slot
/// (parents above their children), and what its glyphs mean. `title` says what ran.
std::string timeline_text(const History& history, const std::string& title, const TextStyle& style);

}  // namespace procrun::report
