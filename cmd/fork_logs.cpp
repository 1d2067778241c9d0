#include "cmd/fork_logs.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>
#include <stdexcept>
#include <vector>

#include "cmd/fork_jobs.h"
#include "state/record_watch.h"
#include "sys/error.h"
#include "sys/poller.h"
#include "sys/signals.h"

namespace procrun::cmd {
namespace {

using state::JobState;

/// A file that can be read again: not a device, a pipe or a socket.
sys::Fd open_log(const std::string& path) {
  sys::Fd file = sys::open(path, O_RDONLY | O_NONBLOCK);
  struct stat status {};
  if (::fstat(file.get(), &status) == -1) sys::fail("look at " + path);
  if (!S_ISREG(status.st_mode)) {
    throw std::runtime_error(path + " is no file that could be read again");
  }
  return file;
}

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto size =
        sys::retry("show the log", [&] { return ::write(fd, text.data(), text.size()); });
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

/// A log file and which of our streams shows it.
class Log {
 public:
  Log(const std::string& path, int target) : file_{open_log(path)}, target_{target} {}

  /// Passes on what is new in it.
  void show() {
    struct stat status {};
    if (::fstat(file_.get(), &status) == 0 && status.st_size < place_) rewind();
    std::array<char, 64UL * 1024> piece;
    for (;;) {
      const auto size = sys::retry("read the log",
                                   [&] { return ::read(file_.get(), piece.data(), piece.size()); });
      if (size == 0) return;
      place_ += size;
      write_all(target_, {piece.data(), static_cast<std::size_t>(size)});
    }
  }

 private:
  /// It was cut off, as by logrotate's copytruncate.
  void rewind() {
    place_ = 0;
    if (::lseek(file_.get(), 0, SEEK_SET) == -1) sys::fail("seek in the log");
  }

  sys::Fd file_;
  int target_;
  off_t place_ = 0;
};

void follow(const state::Records& records, const state::Record& record, std::vector<Log>& logs) {
  const sys::Fd inotify{
      sys::retry("inotify_init1", [] { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); })};
  for (const std::string& path : {record.out, record.err}) {
    if (path.empty()) continue;
    if (::inotify_add_watch(inotify.get(), path.c_str(), IN_MODIFY) == -1) {
      sys::fail("watch " + path);
    }
  }
  state::RecordWatch watch{records, record};
  for (;;) {
    // Asked first: what is in the files when it has ended is all that it wrote.
    const bool ended = watch.look().kind != JobState::Kind::Running;
    for (Log& log : logs) log.show();
    if (ended) return;
    std::array<pollfd, 3> fds{
        {{.fd = inotify.get(), .events = POLLIN, .revents = 0},
         {.fd = watch.fd(), .events = POLLIN, .revents = 0},
         {.fd = STDOUT_FILENO, .events = 0, .revents = 0}}};  // POLLERR: nobody reads any more
    sys::poll_until(fds, std::nullopt);
    if ((fds[2].revents & POLLERR) != 0) sys::die_of(SIGPIPE);
    std::array<char, 4096> events;
    while (::read(inotify.get(), events.data(), events.size()) > 0) {
    }
  }
}

}  // namespace

int show_logs(const state::Records& records, const std::string& word, bool follows) {
  const auto record = find_job(records, word);
  if (!record) return 1;
  std::vector<Log> logs;
  if (!record->out.empty()) logs.emplace_back(record->out, STDOUT_FILENO);
  const bool apart = record->err != record->out;
  if (!record->err.empty() && apart) logs.emplace_back(record->err, STDERR_FILENO);
  if (logs.empty()) {
    throw std::runtime_error("the output of " + name_of(*record) + " goes to no file");
  }
  if (follows) {
    follow(records, *record, logs);
  } else {
    for (Log& log : logs) log.show();
  }
  return 0;
}

std::string last_lines(const std::string& path) {
  constexpr off_t kMost = 8L * 1024;
  constexpr int kLines = 10;
  const sys::Fd file{::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) == -1 || !S_ISREG(status.st_mode)) return {};
  std::string text(static_cast<std::size_t>(std::min(status.st_size, kMost)), '\0');
  const off_t from = status.st_size - static_cast<off_t>(text.size());
  const ssize_t size = ::pread(file.get(), text.data(), text.size(), from);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  while (text.ends_with('\n')) text.pop_back();
  std::size_t start = text.size();
  for (int lines = 0; lines < kLines && start != std::string::npos && start != 0; ++lines) {
    start = text.rfind('\n', start - 1);
  }
  if (start == std::string::npos) return text;
  return start == 0 ? text : text.substr(start + 1);
}

}  // namespace procrun::cmd
