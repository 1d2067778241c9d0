#include "state/record_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>

#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::state {
namespace {

using Tell = sys::Watches::Tell;

enum Id : std::uint64_t { Directory, Supervisor, Command };

}  // namespace

RecordWatch::RecordWatch(const Records& records, Record record)
    : records_{records}, record_{std::move(record)}, inotify_{sys::retry("inotify_init1", [] {
        return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
      })} {
  const std::string& directory = records_.directory();
  if (::inotify_add_watch(inotify_.get(), directory.c_str(), IN_MOVED_TO) == -1) {
    sys::fail("watch " + directory);
  }
  watches_.add(inotify_.get(), Directory, Tell::Always);
  watch_processes();
}

/// One at a time: the supervisor's end is news, that of the command only where there is none.
void RecordWatch::watch_processes() {
  if (!supervisor_) {
    supervisor_ = sys::open_process(record_.supervisor);
    if (supervisor_) watches_.add(supervisor_->get(), Supervisor, Tell::Once);
  }
  if (!command_ && (!supervisor_ || sys::has_ended(*supervisor_))) {
    command_ = sys::open_process(record_.command);
    if (command_) watches_.add(command_->get(), Command, Tell::Once);
  }
}

void RecordWatch::drain() {
  alignas(inotify_event) std::array<char, 4096> events;
  while (::read(inotify_.get(), events.data(), events.size()) > 0) {
  }
}

const JobState& RecordWatch::look() {
  if (state_.kind == JobState::Kind::Ended) return state_;
  while (!watches_.ready().empty()) drain();
  if (auto now = records_.read(record_.id)) record_ = std::move(*now);
  state_ = records_.state_of(record_);
  if (state_.kind == JobState::Kind::Running) watch_processes();
  return state_;
}

const JobState& RecordWatch::wait_until(const sys::Deadline& deadline) {
  for (;;) {
    if (look().kind != JobState::Kind::Running) return state_;
    pollfd news{.fd = fd(), .events = POLLIN, .revents = 0};
    if (!sys::poll_until({&news, 1}, deadline)) return state_;
  }
}

}  // namespace procrun::state
