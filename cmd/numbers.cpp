#include "cmd/numbers.h"

#include <charconv>
#include <limits>
#include <stdexcept>

#include "input/shell.h"

namespace procrun::cmd {

int parse_number(const std::string& text, int least, int most) {
  int number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (!text.empty() && error == std::errc{} && stop == end && number >= least && number <= most) {
    return number;
  }
  std::string range = " of at least " + std::to_string(least);
  if (most != std::numeric_limits<int>::max()) {
    range = " from " + std::to_string(least) + " to " + std::to_string(most);
  }
  throw std::invalid_argument("'" + input::printable(text) + "' is not a whole number" + range);
}

int parse_count(const std::string& text, int least) {
  return parse_number(text, least, std::numeric_limits<int>::max());
}

}  // namespace procrun::cmd
