#include "input/shell.h"

#include <algorithm>
#include <cstdint>

namespace procrun::input {
namespace {

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/// Whether a non-empty `word` is made of letters, digits and `others` only.
bool made_of(std::string_view word, std::string_view others) {
  if (word.empty()) return false;
  for (const char c : word) {
    if (!is_alphanumeric(c) && others.find(c) == std::string_view::npos) return false;
  }
  return true;
}

/// One character of UTF-8 at the front of a text; size 0 if what stands there is none.
struct Character {
  std::uint32_t code = 0;
  std::size_t size = 0;
};

Character decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return {};
  std::uint32_t code = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3FU);
  }
  const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  if (overlong || surrogate || code > 0x10FFFF) return {};
  return {code, size};
}

/// Whether a character moves more than the cursor by its own width: C0, DEL and C1 controls (a
/// terminal obeys C1 in UTF-8 too), line and paragraph separators, marks of direction.
bool steers(std::uint32_t code) {
  const auto within = [code](std::uint32_t low, std::uint32_t high) {
    return code >= low && code <= high;
  };
  return code < 0x20 || within(0x7F, 0x9F) || code == 0x61C || within(0x200E, 0x200F) ||
         within(0x2028, 0x202E) || within(0x2066, 0x2069) || code == 0xFEFF;
}

/// The number of bytes at the front of `text` that may be shown as they are; 0 if the first not.
std::size_t shown_size(std::string_view text) {
  const auto character = decode(text);
  return steers(character.code) ? 0 : character.size;
}

bool is_showable(std::string_view text) {
  while (!text.empty()) {
    const auto size = shown_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

/// Octal with three digits: unlike `\x1b` it ends by itself, in every shell.
void append_escaped(std::string& out, char c) {
  constexpr std::string_view kNamed = "\a\b\t\n\v\f\r";
  constexpr std::string_view kNames = "abtnvfr";
  out += '\\';
  if (const auto named = kNamed.find(c); named != std::string_view::npos) {
    out += kNames[named];
    return;
  }
  const auto byte = static_cast<unsigned char>(c);
  for (const int shift : {6, 3, 0}) out += static_cast<char>('0' + (byte >> shift & 7));
}

/// Appends `text` escaped, and a backslash before each of `escaped_too`.
void append_printable(std::string& out, std::string_view text, std::string_view escaped_too) {
  while (!text.empty()) {
    auto size = shown_size(text);
    if (size == 0) {
      append_escaped(out, text[0]);
      size = 1;
    } else {
      if (escaped_too.find(text[0]) != std::string_view::npos) out += '\\';
      out += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
}

/// More than quote() leaves bare, since people read it; `=` matters where a command's name stands
/// (an assignment) and, to zsh, at a word's beginning.
bool is_bare(std::string_view word, bool is_first) {
  return made_of(word, "_@%+=:,./-") && word[0] != '=' &&
         !(is_first && word.find('=') != std::string_view::npos);
}

}  // namespace

bool needs_shell(std::string_view word) {
  return word.starts_with('~') || word.starts_with('#') ||
         word.find_first_of(" \t\n\r\v\f|&;<>()$`\\\"'*?[") != std::string_view::npos;
}

void append_quoted(std::string& out, std::string_view bytes) {
  if (made_of(bytes, "_./+-")) {
    out += bytes;
    return;
  }
  if (bytes.empty()) out += "''";
  // An apostrophe stands in double quotes, what is around it in single ones; nothing at either end.
  for (std::size_t begin = 0; begin < bytes.size();) {
    const auto end = std::min(bytes.find('\'', begin), bytes.size());
    if (end > begin || begin > 0) out.append(1, '\'').append(bytes, begin, end - begin) += '\'';
    if (end < bytes.size()) out += "\"'\"";
    begin = end + 1;
  }
}

std::string quote(std::string_view bytes) {
  std::string out;
  append_quoted(out, bytes);
  return out;
}

std::string display(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) {
    const bool is_first = line.empty();
    if (!is_first) line += ' ';
    if (is_bare(word, is_first)) {
      line += word;
    } else if (is_showable(word)) {
      append_quoted(line, word);
    } else {
      line += "$'";
      append_printable(line, word, "\\'");
      line += '\'';
    }
  }
  return line;
}

std::string printable(std::string_view text) {
  std::string out;
  append_printable(out, text, "");
  return out;
}

}  // namespace procrun::input
