#pragma once
// What stands between two columns: a regular expression, or a text where that is all it says.
#include <regex.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace procrun::input {

/// A POSIX extended regular expression (regex(7)) in which, as in Perl's, `\t \n \r \f \v \a \e`,
/// `\0`, `\xNN`, `\d`, `\D`, `\s`, `\S`, `\w` and `\W` mean what they do there, within brackets too
/// (but `\D \S \W`). Works on bytes.
class Separator {
 public:
  /// Throws std::invalid_argument where `pattern` is none.
  explicit Separator(std::string_view pattern);
  ~Separator();
  Separator(const Separator&) = delete;
  Separator& operator=(const Separator&) = delete;

  /// Appends the columns of `record`, one at least; empty ones count, at either end too. A match of
  /// nothing separates nothing.
  void split(const std::string& record, std::vector<std::string>& columns) const;

 private:
  struct Match {
    std::size_t begin;
    std::size_t end;
  };

  std::optional<Match> find(const std::string& record, std::size_t from) const;

  std::string text_;  // if it is no more than that; else empty
  regex_t compiled_{};
};

}  // namespace procrun::input
