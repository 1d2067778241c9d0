#include "input/delimiter.h"

#include <fmt/core.h>

#include <charconv>
#include <optional>
#include <stdexcept>

#include "input/shell.h"

namespace procrun::input {
namespace {

std::optional<char> byte(std::string_view digits, int base) {
  unsigned value = 0;
  const auto* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc{} || stop != end || value > 0xFF) return std::nullopt;
  return static_cast<char>(value);
}

/// What follows the backslash.
std::optional<char> escaped(std::string_view text) {
  constexpr std::string_view kNames = "abfnrtv\\";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\";
  if (text.size() == 1) {
    if (const auto at = kNames.find(text[0]); at != std::string_view::npos) return kBytes[at];
  }
  if (text.starts_with('x') && text.size() <= 3) return byte(text.substr(1), 16);
  return text.size() <= 3 ? byte(text, 8) : std::nullopt;
}

}  // namespace

char parse_delimiter(std::string_view text) {
  if (text.size() == 1) return text[0];
  if (text.starts_with('\\')) {
    if (const auto byte = escaped(text.substr(1))) return *byte;
  }
  throw std::invalid_argument(
      fmt::format(R"('{}' is not a single byte (a character of ASCII, \n, \t, \0, \xNN, \NNN))",
                  printable(text)));
}

}  // namespace procrun::input
