#include "input/separator.h"

#include <fmt/core.h>

#include <charconv>
#include <stdexcept>

#include "input/shell.h"

namespace procrun::input {
namespace {

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw std::invalid_argument(
      fmt::format("'{}' is not a regular expression: {}", printable(pattern), why));
}

/// Writes Perl's escapes in the way of POSIX.
class Translator {
 public:
  explicit Translator(std::string_view pattern) : pattern_{pattern}, rest_{pattern} {
    while (!rest_.empty()) {
      if (rest_[0] == '\\') {
        add_escape();
      } else if (rest_[0] == '[') {
        add_bracket();
      } else {
        const char c = take();
        if (kSpecial.find(c) == std::string_view::npos) {
          add_literal(c);
        } else {
          add_regex({&c, 1});
        }
      }
    }
  }

  const std::string& regex() const noexcept { return regex_; }
  /// What it matches and nothing else; empty if there is no such text.
  std::string text() const { return is_text_ ? text_ : std::string{}; }

 private:
  static constexpr std::string_view kSpecial = ".[]()*+?{}|^$\\";
  static constexpr std::string_view kClasses = ":.=";
  static constexpr std::string_view kBracketed = "[]^-";  // mean more within brackets

  char take() {
    if (rest_.empty()) refuse(pattern_, "it ends too early");
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  void add_literal(char c) {
    if (kSpecial.find(c) != std::string_view::npos) regex_ += '\\';
    regex_ += c;
    text_ += c;
  }

  void add_regex(std::string_view piece) {
    regex_ += piece;
    is_text_ = false;
  }

  /// The byte that the escape `\c` stands for, if it is one.
  std::optional<char> byte_of(char c) {
    constexpr std::string_view kNames = "tnrfvae0";
    constexpr std::string_view kBytes{"\t\n\r\f\v\a\x1b\0", 8};
    if (const auto at = kNames.find(c); at != std::string_view::npos) return kBytes[at];
    if (c != 'x') return std::nullopt;
    unsigned value = 0;
    const auto digits = rest_.substr(0, 2);
    const auto* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value, 16);
    if (error != std::errc{} || digits.size() != 2 || stop != end) {
      refuse(pattern_, "two digits follow \\x");
    }
    rest_.remove_prefix(2);
    return static_cast<char>(value);
  }

  void add_escape() {
    take();
    const char c = take();
    if (const auto byte = byte_of(c)) return add_literal(*byte);
    if (c == 'd') return add_regex("[0-9]");
    if (c == 'D') return add_regex("[^0-9]");
    const bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '1' && c <= '9');
    if (!is_word && c != '<' && c != '>' && c != '`' && c != '\'') return add_literal(c);
    add_regex(std::string{'\\', c});  // \s and \w are the library's
  }

  /// Where POSIX knows no backslash.
  void add_bracket() {
    add_regex(std::string{take()});
    if (rest_.starts_with('^')) regex_ += take();
    for (bool is_first = true; is_first || !rest_.starts_with(']'); is_first = false) {
      const char c = take();
      if (c == '[' && !rest_.empty() && kClasses.find(rest_[0]) != std::string_view::npos) {
        add_class();
      } else if (c == '\\') {
        add_member_escape(take());
      } else {
        regex_ += c;
      }
    }
    regex_ += take();
  }

  /// `[:alpha:]` and its like, without its first bracket.
  void add_class() {
    const auto size = rest_.find(std::string{rest_[0], ']'}, 1);
    if (size == std::string_view::npos) refuse(pattern_, "[ without ]");
    regex_.append(1, '[').append(rest_.substr(0, size + 2));
    rest_.remove_prefix(size + 2);
  }

  void add_member_escape(char c) {
    if (const auto byte = byte_of(c)) c = *byte;
    if (c == 'd') {
      regex_ += "0-9";
    } else if (c == 's') {
      regex_ += "[:space:]";
    } else if (c == 'w') {
      regex_ += "[:alnum:]_";
    } else if (kBracketed.find(c) != std::string_view::npos) {
      regex_ += std::string{"[."} + c + ".]";
    } else {
      regex_ += c;
    }
  }

  std::string_view pattern_;
  std::string_view rest_;
  std::string regex_;
  std::string text_;
  bool is_text_ = true;
};

}  // namespace

Separator::Separator(std::string_view pattern) {
  const Translator translator{pattern};
  text_ = translator.text();
  if (!text_.empty()) return;
  if (pattern.empty()) refuse(pattern, "it is empty");
  if (translator.regex().find('\0') != std::string::npos) {
    refuse(pattern, "\\0 can only stand in plain text");
  }
  const int error = ::regcomp(&compiled_, translator.regex().c_str(), REG_EXTENDED);
  if (error == 0) return;
  char why[128];
  ::regerror(error, &compiled_, why, sizeof why);
  refuse(pattern, why);
}

Separator::~Separator() {
  if (text_.empty()) ::regfree(&compiled_);
}

/// The first match from there on that is not empty.
std::optional<Separator::Match> Separator::find(const std::string& record, std::size_t from) const {
  if (!text_.empty()) {
    const auto at = record.find(text_, from);
    if (at == std::string::npos) return std::nullopt;
    return Match{at, at + text_.size()};
  }
  for (; from < record.size(); ++from) {
    regmatch_t match{.rm_so = static_cast<regoff_t>(from),
                     .rm_eo = static_cast<regoff_t>(record.size())};
    const int flags = REG_STARTEND | (from == 0 ? 0 : REG_NOTBOL);
    if (::regexec(&compiled_, record.c_str(), 1, &match, flags) != 0) return std::nullopt;
    if (match.rm_so < match.rm_eo) {
      return Match{static_cast<std::size_t>(match.rm_so), static_cast<std::size_t>(match.rm_eo)};
    }
    from = static_cast<std::size_t>(match.rm_so);
  }
  return std::nullopt;
}

void Separator::split(const std::string& record, std::vector<std::string>& columns) const {
  std::size_t from = 0;
  while (const auto match = find(record, from)) {
    columns.push_back(record.substr(from, match->begin - from));
    from = match->end;
  }
  columns.push_back(record.substr(from));
}

}  // namespace procrun::input
