#include "report/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

namespace procrun::report {
namespace {

using event::Event;
using event::Standing;
using event::Type;

constexpr auto kDrawEvery = std::chrono::milliseconds{100};
constexpr std::size_t kUsualWidth = 80;
constexpr std::size_t kLeastBar = 10;
constexpr std::size_t kMostBar = 40;
constexpr auto kLongest = std::chrono::hours{24 * 365};  // nobody looks further

/// "1h20m", "3m05s", "12s".
std::string short_duration(std::chrono::seconds time) {
  const auto seconds = time.count();
  if (seconds >= 3600) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  if (seconds >= 60) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  return fmt::format("{}s", seconds);
}

/// When the jobs that are left take as long as those that have ended did.
std::optional<std::chrono::seconds> time_left(const Standing& standing, sys::Duration since_start) {
  if (!standing.total || standing.ended == 0) return std::nullopt;
  const double left = static_cast<double>(*standing.total) - static_cast<double>(standing.ended);
  const std::chrono::duration<double> each =
      std::chrono::duration<double>{since_start} / static_cast<double>(standing.ended);
  const auto all = std::max(left, 0.0) * each;
  if (all > kLongest) return std::nullopt;
  return std::chrono::ceil<std::chrono::seconds>(all);
}

bool are_same(const Standing& a, const Standing& b) {
  return a.ended == b.ended && a.failed == b.failed && a.running == b.running && a.total == b.total;
}

/// Asked each time, since it changes. The last column stays free: some terminals wrap there.
std::size_t width_of(int terminal) {
  winsize size{};
  const bool known = ::ioctl(terminal, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
  return (known ? size.ws_col : kUsualWidth) - 1;
}

/// As much of it as fits.
std::string line_of(const Standing& standing, sys::Duration since_start, std::size_t width) {
  std::string text = progress_text(standing, since_start);
  const std::size_t room = width > text.size() + 3 ? width - text.size() - 3 : 0;
  if (standing.total && *standing.total != 0 && room >= kLeastBar) {
    const std::size_t length = std::min(room, kMostBar);
    const std::uint64_t ended = std::min(standing.ended, *standing.total);
    const auto full =
        static_cast<std::size_t>(static_cast<double>(length) * static_cast<double>(ended) /
                                 static_cast<double>(*standing.total));
    text = '[' + std::string(full, '#') + std::string(length - full, '.') + "] " + text;
  }
  return text.substr(0, width);
}

}  // namespace

std::string progress_text(const Standing& standing, sys::Duration since_start) {
  std::string text = std::to_string(standing.ended);
  if (standing.total) text += '/' + std::to_string(*standing.total);
  text += fmt::format(" done, {} running", standing.running);
  if (standing.failed != 0) text += fmt::format(", {} failed", standing.failed);
  const auto left = time_left(standing, since_start);
  if (left) text += ", ETA " + short_duration(*left);
  return text;
}

ProgressBar::ProgressBar(sys::Outlet& out, int fd) : out_{out}, fd_{fd} {}

ProgressBar::~ProgressBar() {
  try {
    out_.erase_footer();
    out_.flush();
  } catch (const std::exception&) {
    // There is nobody left to read it.
  }
}

void ProgressBar::take(const Event& event) {
  if (event.type != Type::RunEnd) return;
  over_ = true;
  next_.reset();
  out_.erase_footer();
}

void ProgressBar::look(const Standing& standing, sys::Clock::time_point now) {
  if (over_) return;
  standing_ = standing;
  const bool was_erased = was_shown_ && !out_.shows_footer();
  const bool is_true = told_ && are_same(*told_, standing) && !was_erased;
  next_ = is_true ? sys::Deadline{} : drawn_ + kDrawEvery;
  if (next_ && *next_ <= now) draw(now);
}

void ProgressBar::draw(sys::Clock::time_point now) {
  next_.reset();
  drawn_ = now;
  told_ = standing_;
  const pid_t owner = ::tcgetpgrp(fd_);  // -1: it controls nobody of us
  const bool is_ours = owner == -1 || owner == ::getpgrp();
  if (is_ours) out_.set_footer(line_of(standing_, now - began_, width_of(fd_)));
  was_shown_ = is_ours && out_.shows_footer();
}

ProgressLines::ProgressLines(sys::Outlet& out, sys::Duration period)
    : out_{out}, period_{std::min<sys::Duration>(period, kLongest)}, next_{began_ + period_} {}

void ProgressLines::take(const Event& event) {
  if (event.type == Type::RunEnd) next_.reset();
}

void ProgressLines::look(const Standing& standing, sys::Clock::time_point now) {
  if (!next_ || now < *next_) return;
  next_ = now + period_;
  out_.write("procrun: pool: " + progress_text(standing, now - began_) + '\n');
}

}  // namespace procrun::report
