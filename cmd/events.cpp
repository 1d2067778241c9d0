#include "cmd/events.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>

#include "cmd/job_options.h"
#include "cmd/numbers.h"
#include "report/events.h"
#include "sys/clock.h"
#include "sys/error.h"

namespace procrun::cmd {
namespace {

constexpr std::string_view kDescriptor = "fd:";

/// The N of fd:N; empty for a path.
std::optional<int> descriptor_of(const std::string& target) {
  if (!target.starts_with(kDescriptor)) return std::nullopt;
  return parse_number(target.substr(kDescriptor.size()), 0, std::numeric_limits<int>::max());
}

/// While the options are read, all that is open was given to us.
void check_descriptor(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  const bool writable = flags != -1 && (flags & O_ACCMODE) != O_RDONLY && (flags & O_PATH) == 0;
  if (!writable) {
    throw std::invalid_argument(fmt::format("descriptor {} is not open for writing", fd));
  }
}

sys::Fd take_descriptor(int fd, const job::Policy& policy) {
  if (fd <= STDERR_FILENO) return sys::duplicate(fd);  // commands have these all the same
  if (std::find(policy.kept.begin(), policy.kept.end(), fd) != policy.kept.end()) {
    throw UsageError{fmt::format("--keep-fd {} would give commands what --events writes to", fd)};
  }
  if (::fcntl(fd, F_SETFD, FD_CLOEXEC) == -1) sys::fail("fcntl FD_CLOEXEC");
  return sys::duplicate(fd);
}

}  // namespace

void add_events(Options& options, std::string& target) {
  options.value("--events", "FILE|fd:N", "each event of the run as a line of JSON",
                [&](const std::string& text) {
                  if (const auto fd = descriptor_of(text)) check_descriptor(*fd);
                  target = parse_path(text);
                });
}

std::unique_ptr<event::Sink> open_events(const std::string& target, const job::Policy& policy,
                                         const std::string& run_id) {
  return make_events(target, open_events_file(target, policy), run_id);
}

sys::Fd open_events_file(const std::string& target, const job::Policy& policy) {
  if (target.empty()) return {};
  if (const auto fd = descriptor_of(target)) return take_descriptor(*fd, policy);
  return sys::open(target, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND);
}

std::unique_ptr<event::Sink> make_events(const std::string& target, sys::Fd file,
                                         const std::string& run_id) {
  if (!file) return nullptr;
  return std::make_unique<report::EventFile>(
      report::RecordFile{std::move(file), "the events " + target},
      run_id.empty() ? make_run_id() : run_id);
}

std::string make_run_id() { return fmt::format("{}-{}", sys::rfc3339_now(), ::getpid()); }

}  // namespace procrun::cmd
