#pragma once
// How many columns of a terminal a text takes.
#include <string>
#include <string_view>

namespace procrun::report {

/// Of a text that input::printable() has made: letters of East Asia and pictures take two, marks
/// that stand above another letter none.
std::size_t columns_of(std::string_view text);

/// As many columns as that: cut, with `ellipsis` (of one column) in the last, or filled up with
/// spaces.
std::string fitted(std::string_view text, std::size_t columns, std::string_view ellipsis);

/// `?` in the place of each letter beyond ASCII, `~` in that of an ellipsis.
std::string ascii_only(std::string_view text);

}  // namespace procrun::report
