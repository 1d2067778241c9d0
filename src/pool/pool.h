#pragma once
// Python's multiprocessing.Pool: functions called in workers that live through the run.
#include <deque>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "pool/call.h"
#include "pool/front.h"
#include "sys/clock.h"
#include "sys/cpus.h"

namespace procrun {

/// The called function threw, in its worker; what() is its text.
class CallError : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// The worker died while it had the call in hand; what() tells how.
class WorkerLost : public std::runtime_error {
  using runtime_error::runtime_error;
};

namespace pool {

/// What has become of a call.
struct Reply {
  enum class State { Pending, Value, Failed, Lost };
  State state = State::Pending;
  std::string bytes;  // the result, or the text of the error
};

/// Who hears of workers while some member function runs; called in the process that has the pool.
struct Watch {
  /// A worker was made for the slot (from 0), after the moment `since`.
  std::function<void(unsigned slot, pid_t pid, sys::Clock::time_point since)> born = {};
  /// A worker has ended and is reaped.
  std::function<void(pid_t pid, ExitStatus status)> buried = {};
  /// First thing in a worker.
  std::function<void()> in_worker = {};
  /// Once, when `alarm` is readable: what it throws breaks the waiting off.
  int alarm = -1;
  std::function<void()> alarmed = {};
};

/// The pool without types: calls in, replies out.
class Desk final : Front::Client {
 public:
  explicit Desk(unsigned workers, Watch watch = {});
  ~Desk() override;

  std::shared_ptr<Reply> submit(pool::Writer bytes);
  /// Serves the workers until the reply is there or `deadline` has passed.
  bool wait_for(const Reply& reply, const sys::Deadline& deadline);
  void close();
  void join();
  void terminate();
  std::vector<pid_t> workers() const { return front_.workers(); }

 private:
  struct Waiting {
    Call call;
    std::shared_ptr<Reply> reply;
  };

  bool has_next() const override { return !queue_.empty(); }
  std::optional<Call> next(unsigned slot) override;
  bool plenty() const override {
    return !queue_.empty() && queue_.front().call.bytes.size() <= Front::kMostAhead;
  }
  void told(std::uint64_t, Reader) override {}
  void ended(std::uint64_t id, Reader result) override;
  void failed(std::uint64_t id, const std::string& text) override;
  void lost(std::uint64_t id, pid_t worker, ExitStatus status) override;
  void returned(std::uint64_t id) override;

  void require_owner() const;
  void take_in(const sys::Deadline& deadline);
  void pass_alarm_on();
  void serve(const sys::Deadline& deadline);
  static void lose_unbegun(Reply& reply);
  void settle(std::uint64_t id, Reply::State state, std::string bytes);

  pid_t owner_;
  sys::Poller poller_;
  int alarm_;
  std::function<void()> alarmed_;
  std::deque<Waiting> queue_;
  std::map<std::uint64_t, Waiting> in_hand_;
  std::uint64_t ids_ = 0;
  bool closed_ = false;
  bool terminated_ = false;
  Front front_;
};

}  // namespace pool

/// What apply_async returns at once: the result to be.
template <class R>
class AsyncResult {
 public:
  AsyncResult(std::shared_ptr<pool::Desk> desk, std::shared_ptr<pool::Reply> reply)
      : desk_{std::move(desk)}, reply_{std::move(reply)} {}

  /// Waits for the result. Blocks. Throws CallError when the function threw, WorkerLost when its
  /// worker died. The same again when asked again.
  R get() {
    wait();
    if (reply_->state == pool::Reply::State::Failed) throw CallError{reply_->bytes};
    if (reply_->state == pool::Reply::State::Lost) throw WorkerLost{reply_->bytes};
    if constexpr (!std::is_void_v<R>) return pool::Reader{reply_->bytes}.get<R>();
  }
  void wait() { desk_->wait_for(*reply_, {}); }
  /// Waits for at most `limit`; false when it is not there yet.
  bool wait(sys::Duration limit) { return desk_->wait_for(*reply_, sys::Clock::now() + limit); }
  /// Takes in what has come and tells whether the result is there. Never blocks.
  bool ready() { return wait(sys::Duration::zero()); }
  /// Whether the function returned. Throws std::logic_error before ready().
  bool successful() const {
    if (reply_->state == pool::Reply::State::Pending) throw std::logic_error("no result yet");
    return reply_->state == pool::Reply::State::Value;
  }

 private:
  std::shared_ptr<pool::Desk> desk_;
  std::shared_ptr<pool::Reply> reply_;
};

/// N workers, forked by the constructor, that live through the run and call functions. Functions
/// are pointers (or lambdas without captures, with a `+` before them); arguments and results are
/// strings, plain values, and vectors, pairs, tuples and optionals of such. A worker that dies
/// makes its call *lost* and is replaced. There is no helper thread: calls are handed out and
/// results taken in while some member function of the pool or of a result runs.
class Pool {
 public:
  explicit Pool(unsigned workers = sys::usable_cpus(), pool::Watch watch = {})
      : desk_{std::make_shared<pool::Desk>(workers, std::move(watch))} {}
  /// Kills what still runs, as leaving Python's `with` block does.
  ~Pool() {
    if (desk_) desk_->terminate();
  }
  Pool(Pool&&) = default;
  Pool& operator=(Pool&&) = delete;

  /// Queues function(args...) and returns at once. Throws std::logic_error after close().
  template <class R, class... Params, class... Args>
  AsyncResult<std::decay_t<R>> apply_async(R (*function)(Params...), Args&&... args) {
    auto call = pool::make_call(function, std::forward<Args>(args)...);
    return {desk_, desk_->submit(std::move(call))};
  }
  /// function(args...) in a worker. Blocks.
  template <class R, class... Params, class... Args>
  std::decay_t<R> apply(R (*function)(Params...), Args&&... args) {
    return apply_async(function, std::forward<Args>(args)...).get();
  }
  /// function(v) for each value, in chunks; results in the order of the values. Blocks. The first
  /// error in that order is thrown. chunk 0: as Python, a quarter of an even share.
  template <class R, class Param, class Value>
  auto map(R (*function)(Param), const std::vector<Value>& values, std::size_t chunk = 0) {
    return collect<std::decay_t<R>>(
        map_async<R, Param>(function, values, chunk == 0 ? chunk_for(values.size()) : chunk));
  }

  /// No calls after this; workers end when those that are queued are done.
  void close() { desk_->close(); }
  /// Waits until all is done and the workers have ended. Blocks. Throws std::logic_error before
  /// close() or terminate().
  void join() { desk_->join(); }
  /// Ends the workers now (SIGTERM, then SIGKILL); calls without a result are lost.
  void terminate() { desk_->terminate(); }
  /// The pids of the workers that live.
  std::vector<pid_t> workers() const { return desk_->workers(); }

 private:
  using Replies = std::vector<std::shared_ptr<pool::Reply>>;

  std::size_t chunk_for(std::size_t count) const {
    const std::size_t shares = std::max<std::size_t>(1, desk_->workers().size() * 4);
    return std::max<std::size_t>(1, (count + shares - 1) / shares);
  }

  template <class R, class Param, class Value>
  Replies map_async(R (*function)(Param), const std::vector<Value>& values, std::size_t chunk) {
    Replies replies;
    for (std::size_t at = 0; at < values.size(); at += chunk) {
      const auto from = values.begin() + static_cast<std::ptrdiff_t>(at);
      const auto to = from + static_cast<std::ptrdiff_t>(std::min(chunk, values.size() - at));
      auto call = pool::call_to(&pool::invoke_each<R, Param>);
      call.put(reinterpret_cast<std::uintptr_t>(function));
      call.put(std::vector<std::decay_t<Param>>(from, to));
      replies.push_back(desk_->submit(std::move(call)));
    }
    return replies;
  }

  template <class R>
  auto collect(const Replies& replies) {
    if constexpr (std::is_void_v<R>) {
      for (const auto& reply : replies) AsyncResult<void>{desk_, reply}.get();
    } else {
      std::vector<R> all;
      for (const auto& reply : replies) {
        auto part = AsyncResult<std::vector<R>>{desk_, reply}.get();
        all.insert(all.end(), std::make_move_iterator(part.begin()),
                   std::make_move_iterator(part.end()));
      }
      return all;
    }
  }

  std::shared_ptr<pool::Desk> desk_;
};

}  // namespace procrun
