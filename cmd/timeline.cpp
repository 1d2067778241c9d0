#include "cmd/timeline.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include "report/timeline_svg.h"
#include "report/timeline_text.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::cmd {
namespace {

constexpr std::size_t kUsualWidth = 80;
constexpr std::size_t kMostWidth = 1000;
/// For a reader of stderr who sleeps, anew whenever he has read something.
constexpr auto kPatience = std::chrono::milliseconds{500};

/// Of the terminal; else what $COLUMNS says.
std::size_t width_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  const char* const columns = std::getenv("COLUMNS");
  const std::string_view text = columns == nullptr ? "" : columns;
  std::size_t width = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), width);
  const bool is_number = error == std::errc{} && end == text.data() + text.size();
  return is_number && width > 0 && width <= kMostWidth ? width : kUsualWidth;
}

void write_all(const sys::Fd& file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const auto written = sys::retry("write the picture to " + path,
                                    [&] { return ::write(file.get(), text.data(), text.size()); });
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

/// As long as it is read.
void drain(sys::Outlet& outlet) {
  auto deadline = sys::Clock::now() + kPatience;
  for (std::size_t left = outlet.backlog(); !outlet.flush() && sys::Clock::now() < deadline;) {
    pollfd writable{.fd = outlet.poll_fd(), .events = POLLOUT, .revents = 0};
    sys::poll_until({&writable, 1}, deadline);
    if (outlet.backlog() < left) deadline = sys::Clock::now() + kPatience;
    left = outlet.backlog();
  }
}

}  // namespace

void add_timeline(Options& options, TimelineOptions& timeline) {
  options.optional_value("--timeline", "FILE.svg",
                         "draw the processes on a time axis when all is over: in the terminal, or "
                         "as a picture for browsers",
                         [&](const std::string& file) {
                           if (file.empty()) timeline.in_terminal = true;
                           if (!file.empty()) timeline.file = file;
                         });
  options.flag("--ascii", "in the terminal without letters beyond ASCII", timeline.ascii);
}

Picture::Picture(const TimelineOptions& options, sys::Fd file, Screen screen)
    : options_{options}, file_{std::move(file)}, screen_{std::move(screen)} {}

Picture::~Picture() {
  try {
    finish();
  } catch (const std::exception&) {
    // What broke the run off says more.
  }
}

void Picture::take(const event::Event& event) {
  if (event.type == event::Type::RunStart) owner_ = ::getpid();
  timeline_.take(event);
  if (event.type == event::Type::RunEnd) draw();
}

void Picture::finish() {
  if (owner_ != ::getpid()) return;
  if (!is_drawn_) timeline_.goes_on_until(sys::Clock::now());
  draw();
  if (screen_.err != nullptr) drain(*screen_.err);
}

void Picture::draw() {
  if (owner_ != ::getpid() || std::exchange(is_drawn_, true)) return;
  const report::History& history = timeline_.history();
  if (history.lives.empty()) return;
  if (options_.in_terminal) {
    const int fd = screen_.err == nullptr ? STDOUT_FILENO : STDERR_FILENO;
    std::string text = report::timeline_text(
        history, screen_.title,
        {.width = width_of(fd), .ascii = options_.ascii, .colour = screen_.colour});
    if (screen_.err != nullptr) {
      screen_.err->write(text);
    } else {
      text.pop_back();  // the end of the line comes back
      print_line(text);
    }
  }
  if (file_) write_all(file_, options_.file, report::timeline_svg(history, screen_.title));
}

sys::Fd open_timeline(const TimelineOptions& options) {
  if (options.ascii && !options.in_terminal) {
    throw UsageError{"--ascii is for the terminal's picture: say --timeline, too"};
  }
  if (options.file.empty()) return {};
  return sys::open(options.file, O_WRONLY | O_CREAT | O_TRUNC);
}

std::unique_ptr<Picture> make_picture(const TimelineOptions& options, sys::Fd file,
                                      Picture::Screen screen) {
  if (!options.in_terminal && !file) return nullptr;
  return std::make_unique<Picture>(options, std::move(file), std::move(screen));
}

std::unique_ptr<Picture> make_lesson_picture(const TimelineOptions& options, const Shared& shared,
                                             const std::string& title) {
  return make_picture(options, open_timeline(options),
                      {.title = title, .colour = use_colour(shared, STDOUT_FILENO)});
}

}  // namespace procrun::cmd
