#include "cmd/jobs_file.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <stdexcept>

#include "cmd/jobs.h"
#include "cmd/log.h"
#include "sys/error.h"
#include "sys/slurp.h"

namespace procrun::cmd {
namespace {

/// Without the white space around it.
std::string trimmed(const std::string& text) {
  constexpr auto kSpace = " \t\r\n";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

bool names_jobs_file(const std::string& text) {
  std::error_code error;
  try {
    check_jobs(text);
    return false;
  } catch (const std::invalid_argument&) {
    return std::filesystem::is_regular_file(text, error);
  }
}

std::string read_jobs_file(const std::string& path) {
  std::string text = trimmed(sys::slurp(path));
  try {
    check_jobs(text);
    return text;
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(path + ": " + error.what());
  }
}

JobsFile::JobsFile(const std::string& path) {
  const std::filesystem::path real = std::filesystem::canonical(path);
  path_ = real.string();
  name_ = real.filename().string();
  notify_ = sys::Fd{
      sys::retry("inotify_init1", [] { return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC); })};
  const std::string directory = real.parent_path().string();
  sys::retry("watch " + directory, [&] {
    return ::inotify_add_watch(notify_.get(), directory.c_str(), IN_CLOSE_WRITE | IN_MOVED_TO);
  });
}

std::optional<unsigned> JobsFile::changed() {
  if (!heard_of_it()) return std::nullopt;
  try {
    return count_jobs(read_jobs_file(path_));
  } catch (const std::invalid_argument& error) {
    log_warning(std::string{"-j: "} + error.what());
    return std::nullopt;
  }
}

bool JobsFile::heard_of_it() const {
  bool heard = false;
  alignas(inotify_event) char buffer[4096];
  ssize_t size = 0;
  while ((size = ::read(notify_.get(), buffer, sizeof buffer)) > 0) {
    for (ssize_t at = 0; at < size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      // Where events were lost, this one may be among them.
      heard =
          heard || (event->mask & IN_Q_OVERFLOW) != 0 || (event->len != 0 && name_ == event->name);
      at += static_cast<ssize_t>(sizeof *event + event->len);
    }
  }
  return heard;
}

}  // namespace procrun::cmd
