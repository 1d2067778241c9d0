#include "pool/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>

#include "process/fork.h"
#include "process/process.h"
#include "sys/error.h"

namespace procrun::pool {
namespace {

/// What a call tells, and its result, are sent this much later, at the most: they travel with those
/// of the next calls, if these are short. To wake the front for each would cost more than the
/// calls; and nobody sees so little time.
constexpr auto kHeldBack = std::chrono::milliseconds{4};

}  // namespace

void Link::tell(std::string_view payload) {
  channel_.put(RecordType::Tell, *current_, payload);
  if (!flush_by_) wait_at_most(kHeldBack);
}

void Link::flush() {
  channel_.flush();
  flush_by_.reset();
}

void Link::wait_at_most(sys::Duration time) {
  flush_by_ = sys::earlier(flush_by_, sys::Clock::now() + time);
}

std::size_t Link::make_room(std::size_t bytes) {
  // Where the user has too much memory in pipes, it stays as it is.
  ::fcntl(channel_.out(), F_SETPIPE_SZ, static_cast<int>(bytes));
  const int size = ::fcntl(channel_.out(), F_GETPIPE_SZ);
  return size == -1 ? PIPE_BUF : static_cast<std::size_t>(size);
}

std::optional<std::string> Link::told() {
  const auto mine = std::find_if(tells_.begin(), tells_.end(),
                                 [&](const Held& tell) { return tell.id == current_; });
  if (mine == tells_.end()) return std::nullopt;
  std::string payload = std::move(mine->payload);
  tells_.erase(mine);
  return payload;
}

void Link::receive() {
  if (channel_.receive() == Channel::Read::Closed) closed_ = true;
  while (const auto record = channel_.next()) sort(*record);
}

void Link::sort(const Record& record) {
  switch (record.type) {
    case RecordType::Call:
      calls_.push_back({record.id, std::string{record.payload}});
      return;
    case RecordType::Tell:
      tells_.push_back({record.id, std::string{record.payload}});
      return;
    case RecordType::Revoke:
      // Only what has not begun can be taken back; of the others the result tells.
      if (std::erase_if(calls_, [&](const Held& call) { return call.id == record.id; }) != 0) {
        channel_.put(RecordType::Revoked, record.id, {});
        flush();
      }
      return;
    case RecordType::Close:
      closing_ = true;
      return;
    case RecordType::Result:
    case RecordType::Error:
    case RecordType::Revoked:
    case RecordType::Retired:
      return;
  }
}

void Link::serve() {
  while (!front_gone() && !leaving_) {
    if (calls_.empty()) {
      if (closing_) return;
      receive();
      continue;
    }
    const Held call = std::move(calls_.front());
    calls_.pop_front();
    run(call);
  }
  if (retiring_) outlive_children();
}

/// Adopts what its tree still lets go, and keeps nothing open that somebody waits to be closed.
void Link::outlive_children() {
  channel_ = {};
  const sys::Fd null = sys::open("/dev/null", O_RDWR);
  for (const int fd : {0, 1, 2}) ::dup2(null.get(), fd);
  while (::waitpid(-1, nullptr, 0) != -1 || errno == EINTR) {
  }
}

void Link::run(const Held& call) {
  current_ = call.id;
  Reader reader{call.payload};
  Writer result;
  try {
    const auto entry = reinterpret_cast<Entry>(reader.get<std::uintptr_t>());
    entry(*this, reader, result);
    channel_.put(RecordType::Result, call.id, result.bytes());
  } catch (const std::exception& error) {
    channel_.put(RecordType::Error, call.id, error.what());
  } catch (...) {
    channel_.put(RecordType::Error, call.id, "unknown exception");
  }
  flush_output();
  if (retiring_) channel_.put(RecordType::Retired, call.id, {});
  finish_call();
  std::erase_if(tells_, [&](const Held& tell) { return tell.id == call.id; });
  current_.reset();
}

/// Before the next call begins the result is where the front finds it, so that it knows which one a
/// dead worker was at. It is sent while a call is left to be done, or the worker would then wait
/// for the front to hear of it and to give more.
void Link::finish_call() {
  const bool may_wait = channel_.can_hold() && calls_.size() > 1 && !leaving_ &&
                        !(flush_by_ && *flush_by_ <= sys::Clock::now());
  if (!may_wait) return flush();
  channel_.hold();
  if (!flush_by_) wait_at_most(kHeldBack);
}

void live_as_worker(Channel channel, pid_t front, const WorkerHooks& hooks) noexcept {
  run_and_leave([&] {
    if (::prctl(PR_SET_PDEATHSIG, SIGTERM) == -1) sys::fail("prctl PR_SET_PDEATHSIG");
    Link link{std::move(channel)};
    if (::getppid() == front) {
      if (hooks.prepare) hooks.prepare();
      link.serve();
    } else {
      link.note_front_gone();  // it died before we asked
    }
    if (link.front_gone() && hooks.when_abandoned) hooks.when_abandoned();
  });
}

}  // namespace procrun::pool
