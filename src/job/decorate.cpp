#include "job/decorate.h"

#include <fmt/core.h>
#include <time.h>

#include <algorithm>

namespace procrun::job {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024;

}  // namespace

std::string_view LineStarts::decorate(std::string_view piece) {
  decorated_.clear();
  const std::string stamp = timestamps_.empty() ? "" : time_stamp(timestamps_) + " ";
  while (!piece.empty()) {
    if (!in_line_) (decorated_ += stamp) += text_;
    const auto newline = piece.find('\n');
    in_line_ = newline == std::string_view::npos;
    const auto line = piece.substr(0, in_line_ ? piece.size() : newline + 1);
    decorated_ += line;
    piece.remove_prefix(line.size());
  }
  return decorated_;
}

void LineSearch::look_at(std::string_view piece, const Pattern& pattern) {
  while (!piece.empty() && !found_) {
    const auto newline = piece.find('\n');
    const auto part = piece.substr(0, newline);
    line_.append(part.substr(0, kLongestLine - std::min(kLongestLine, line_.size())));
    if (newline == std::string_view::npos) return;
    look_at_rest(pattern);
    piece.remove_prefix(newline + 1);
  }
}

void LineSearch::look_at_rest(const Pattern& pattern) {
  found_ = found_ || pattern.matches(line_);
  line_.clear();
}

std::string time_stamp(std::string_view format) {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  tm parts{};
  ::localtime_r(&now.tv_sec, &parts);
  std::string spelt{format};
  const std::string micro = fmt::format(".{:06}", now.tv_nsec / 1000);
  for (const std::string_view unit : {"S", "s", "T"}) {
    const std::string with_dot = fmt::format("%.{}", unit);
    for (auto at = spelt.find(with_dot); at != std::string::npos; at = spelt.find(with_dot, at)) {
      spelt.replace(at, with_dot.size(), fmt::format("%{}{}", unit, micro));
    }
  }
  char text[256];
  return {text, ::strftime(text, sizeof text, spelt.c_str(), &parts)};
}

}  // namespace procrun::job
