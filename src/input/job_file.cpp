#include "input/job_file.h"

#include <string_view>

namespace procrun::input {
namespace {

/// Without the blanks at either end, of which a carriage return is one.
std::string_view trimmed(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  const auto first = line.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(kBlanks) - first + 1);
}

}  // namespace

Pull JobFile::next(Row& row) {
  row.resize(1);
  for (;;) {
    const Pull pull = lines_->next(row.front());
    if (pull != Pull::Item) return pull;
    const auto text = trimmed(row.front());
    if (text == "%%") return Pull::Barrier;
    if (!text.empty() && !text.starts_with('#')) return Pull::Item;
  }
}

}  // namespace procrun::input
