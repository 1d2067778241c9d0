#include "input/job_file.h"

#include <sys/eventfd.h>

#include <string_view>

#include "sys/error.h"

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
  constexpr unsigned kAtOnce = 10'000;
  pauses_ = false;
  row.resize(1);
  for (; passed_over_ < kAtOnce; ++passed_over_) {
    const Pull pull = lines_->next(row.front());
    if (pull != Pull::Item) return pull;
    const auto text = trimmed(row.front());
    if (text == "%%") {
      ++passed_over_;
      return Pull::Barrier;
    }
    if (text.empty() || text.starts_with('#')) continue;
    passed_over_ = 0;
    return Pull::Item;
  }
  return pause();
}

Pull JobFile::pause() {
  if (!readable_) readable_ = sys::Fd{::eventfd(1, EFD_CLOEXEC)};
  if (!readable_) sys::fail("eventfd");
  passed_over_ = 0;
  pauses_ = true;
  return Pull::Later;
}

}  // namespace procrun::input
