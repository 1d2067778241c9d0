#pragma once
// Whole numbers on the command line.
#include <string>

namespace procrun::cmd {

/// The number that `text` is, from `least` to `most`. Throws std::invalid_argument.
int parse_number(const std::string& text, int least, int most);

/// Without an upper bound.
int parse_count(const std::string& text, int least);

}  // namespace procrun::cmd
