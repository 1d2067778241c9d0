#pragma once
// The character that ends an item or parts two columns, as people write it.
#include <string_view>

namespace procrun::input {

/// The byte that `text` is: itself, or `\n`, `\t`, `\0`, `\a \b \f \r \v \\`, `\xNN` or octal
/// `\NNN`, as xargs has them. Throws std::invalid_argument, showing the forms, for anything else.
char parse_delimiter(std::string_view text);

}  // namespace procrun::input
