#pragma once
// Output on its way through us: what goes before each line, and what is looked for in it.
#include <string>
#include <string_view>

#include "job/retry.h"

namespace procrun::job {

/// Puts a text before every line of one stream, whatever pieces it comes in.
class LineStarts {
 public:
  /// `text` goes before each line, a time stamp by `timestamps` (strftime(3), with moreutils'
  /// `%.S`,
  /// `%.s` and `%.T` for microseconds) before that; both may be empty. Borrowed.
  LineStarts(std::string_view text, std::string_view timestamps)
      : text_{text}, timestamps_{timestamps} {}

  bool needed() const noexcept { return !text_.empty() || !timestamps_.empty(); }
  /// The piece with its lines' starts put in; good until the next call.
  std::string_view decorate(std::string_view piece);

 private:
  std::string_view text_;
  std::string_view timestamps_;
  bool in_line_ = false;
  std::string decorated_;
};

/// Looks for a pattern in each line of one stream. Of a line longer than 64 KiB only so much.
class LineSearch {
 public:
  void look_at(std::string_view piece, const Pattern& pattern);
  /// The last line may have no newline.
  void look_at_rest(const Pattern& pattern);
  bool found() const noexcept { return found_; }

 private:
  std::string line_;
  bool found_ = false;
};

/// The time now, in UTC or local time as strftime(3) has it.
std::string time_stamp(std::string_view format);

}  // namespace procrun::job
