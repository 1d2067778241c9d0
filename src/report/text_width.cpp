#include "report/text_width.h"

#include <array>
#include <cstdint>

namespace procrun::report {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

constexpr std::array kWide{
    Range{0x1100, 0x115F},   Range{0x2E80, 0x303E},   Range{0x3041, 0xA4CF},
    Range{0xA960, 0xA97F},   Range{0xAC00, 0xD7A3},   Range{0xF900, 0xFAFF},
    Range{0xFE30, 0xFE6F},   Range{0xFF00, 0xFF60},   Range{0xFFE0, 0xFFE6},
    Range{0x1F300, 0x1F64F}, Range{0x1F680, 0x1F6FF}, Range{0x1F900, 0x1FAFF},
    Range{0x20000, 0x3FFFD}};
constexpr std::array kNone{Range{0x0300, 0x036F}, Range{0x200B, 0x200D}, Range{0x20D0, 0x20FF},
                           Range{0xFE00, 0xFE0F}, Range{0xFE20, 0xFE2F}};

template <std::size_t N>
bool is_among(std::uint32_t code, const std::array<Range, N>& ranges) {
  for (const Range& range : ranges) {
    if (code >= range.first && code <= range.last) return true;
  }
  return false;
}

/// The letter at the front, which is taken off. A byte that begins none counts as one.
std::string_view take_letter(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::string_view letter = text.substr(0, size);
  text.remove_prefix(letter.size());
  return letter;
}

std::size_t columns_of_letter(std::string_view letter) {
  auto code = static_cast<std::uint32_t>(static_cast<unsigned char>(letter[0]));
  if (letter.size() > 1) code &= 0xFFU >> (letter.size() + 1);
  for (const char byte : letter.substr(1)) {
    code = code << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  if (is_among(code, kNone)) return 0;
  return is_among(code, kWide) ? 2 : 1;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) columns += columns_of_letter(take_letter(text));
  return columns;
}

std::string fitted(std::string_view text, std::size_t columns, std::string_view ellipsis) {
  std::size_t wide = columns_of(text);
  if (wide <= columns) return std::string{text} + std::string(columns - wide, ' ');
  if (columns == 0) return {};
  std::string cut;
  wide = 0;
  while (!text.empty()) {
    const std::string_view letter = take_letter(text);
    if (wide + columns_of_letter(letter) > columns - 1) break;
    wide += columns_of_letter(letter);
    cut += letter;
  }
  return cut.append(ellipsis) + std::string(columns - 1 - wide, ' ');
}

std::string ascii_only(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::string_view letter = take_letter(text);
    if (letter == "…") {
      plain += '~';
      continue;
    }
    plain += letter.size() == 1 && static_cast<unsigned char>(letter[0]) < 0x80 ? letter : "?";
  }
  return plain;
}

}  // namespace procrun::report
