#pragma once
// The worker's side of a pool: a forked process that lives on and calls functions.
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>

#include "pool/call.h"
#include "pool/channel.h"
#include "sys/clock.h"

namespace procrun::pool {

/// A worker's end of its channel, as the function that it runs sees it.
class Link {
 public:
  explicit Link(Channel channel) : channel_{std::move(channel)} {}

  /// Says something of the current call to the front; sent by flush(), or with the result.
  void tell(std::string_view payload);
  void flush();
  /// What was said, and results of calls before this one, may wait until then for what follows:
  /// a call that listens calls flush() when that time has come.
  sys::Deadline flush_by() const noexcept { return flush_by_; }
  /// The result of this call does not wait for what follows.
  void send_at_once() { wait_at_most(sys::Duration::zero()); }
  /// Lets up to so many bytes wait for the front; returns how many can, which may be fewer, or
  /// more.
  std::size_t make_room(std::size_t bytes);

  /// What the front has said of the current call. Never blocks: to be asked when fd() is readable,
  /// and once before the first wait.
  std::optional<std::string> told();
  /// Takes in what has come on fd(). Blocks if nothing has.
  void receive();
  int fd() const noexcept { return channel_.in(); }
  /// The front is gone: nobody will hear of the result.
  bool front_gone() const noexcept { return closed_ || channel_.gone(); }
  /// For one who knows it from elsewhere.
  void note_front_gone() noexcept { closed_ = true; }

  /// The worker is not to take another call.
  void leave_after_this() noexcept { leaving_ = true; }

  /// The same, and it stays until all its children have ended, whatever becomes of the front.
  void retire_after_this() noexcept { leaving_ = retiring_ = true; }

  /// The worker loop: get, call, put, until the front closes the channel.
  void serve();

 private:
  struct Held {
    std::uint64_t id;
    std::string payload;
  };

  void run(const Held& call);
  void finish_call();
  void wait_at_most(sys::Duration time);
  void sort(const Record& record);
  void outlive_children();

  Channel channel_;
  std::deque<Held> calls_;  // given ahead
  std::deque<Held> tells_;  // said of a call that has not ended
  std::optional<std::uint64_t> current_;
  sys::Deadline flush_by_;
  bool closing_ = false;  // no more calls come
  bool closed_ = false;   // nobody is there to send any
  bool leaving_ = false;
  bool retiring_ = false;
};

/// What its owner does in a worker.
struct WorkerHooks {
  std::function<void()> prepare = {};
  std::function<void()> when_abandoned = {};  // the front is gone
};

/// The life of a worker, in a process just forked by `front`: serves the link until the front is
/// gone. The parent-death signal (TERM) ends it if the front dies while a function runs.
[[noreturn]] void live_as_worker(Channel channel, pid_t front, const WorkerHooks& hooks) noexcept;

}  // namespace procrun::pool
