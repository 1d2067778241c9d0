#pragma once
// The front of a pool: starts workers, gives them calls, hears their results, replaces the lost.
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "pool/call.h"
#include "pool/channel.h"
#include "pool/scheduler.h"
#include "process/child.h"
#include "sys/clock.h"
#include "sys/poller.h"

namespace procrun::pool {

/// N slots, each with a worker from its first call on. It never blocks: its owner waits on the
/// poller, hands it what is ready and calls feed().
class Front {
 public:
  /// Who has the calls and wants the results. Ids are the client's.
  class Client {
   public:
    virtual ~Client() = default;
    /// Whether there is a next call: only for one is a worker started.
    virtual bool has_next() const = 0;
    /// The next call for this slot; empty: none now.
    virtual std::optional<Call> next(unsigned slot) = 0;
    /// Enough calls wait that some may be given to workers before they are free; where calls do
    /// not listen, the next one is no longer than kMostAhead.
    virtual bool plenty() const = 0;
    /// The running call says something.
    virtual void told(std::uint64_t id, Reader payload) = 0;
    virtual void ended(std::uint64_t id, Reader result) = 0;
    /// The call threw; `text` is what it said.
    virtual void failed(std::uint64_t id, const std::string& text) = 0;
    /// The worker died while it had the call in hand.
    virtual void lost(std::uint64_t id, pid_t worker, ExitStatus status) = 0;
    /// A call that was given ahead comes back unstarted: it will be asked for again.
    virtual void returned(std::uint64_t id) = 0;
  };

  /// What the client does around the birth of a worker, and how its calls behave.
  struct Hooks {
    /// Calls listen to the link while they run, so that one given ahead can be revoked; those of
    /// calls that do not are taken back out of the pipe. And they see to it that results before
    /// theirs are sent in time (Link::flush_by()).
    bool calls_listen = false;
    std::function<void(unsigned slot)> before_fork = {};
    /// A worker was made for the slot, after the moment `since`.
    std::function<void(unsigned slot, pid_t pid, sys::Clock::time_point since)> born = {};
    /// A worker has ended and is reaped.
    std::function<void(pid_t pid, ExitStatus status)> buried = {};
    /// First thing in the worker: there the client closes what is its own.
    std::function<void()> in_worker = {};
    /// Last thing in a worker that leaves because the front is gone.
    std::function<void()> when_abandoned = {};
  };

  Front(unsigned slots, Client& client, sys::Poller& poller) : Front{slots, client, poller, {}} {}
  Front(unsigned slots, Client& client, sys::Poller& poller, Hooks hooks);
  /// Kills the workers that are left, and reaps them.
  ~Front();
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;

  /// From now on there are so many slots. What surplus ones have in hand they end; their workers
  /// stay. Not to be called by the client while it is called.
  void resize(unsigned slots);
  /// Starts a worker in every slot now, rather than with its first call.
  void start_all();
  /// Gives calls to slots while there are both. Throws std::system_error when not a single worker
  /// can be started; with fewer than wanted it goes on.
  void feed();
  /// What the poller brought, if its id is a front's.
  void handle(const sys::Poller::Ready& ready);
  static bool owns(std::uint64_t poll_id) noexcept { return (poll_id & kMine) != 0; }
  /// When tick() has something to do: a call given ahead waits behind a slow one.
  sys::Deadline deadline() const;
  void tick();

  /// Says something to the worker that has the call `id` in hand, or nothing if none has.
  void tell(std::uint64_t id, std::string_view payload);
  /// Lets workers end as soon as they are idle. No call may be given after it.
  void close();
  /// Sends `signal` to every worker.
  void signal(int signal);

  /// Calls in hand are in so many slots.
  unsigned busy() const noexcept { return scheduler_.busy(); }
  /// Workers that have not ended.
  unsigned living() const noexcept { return living_; }
  std::vector<pid_t> workers() const;
  /// The longest call that can be taken back out of the pipe, in bytes.
  static constexpr std::size_t kMostAhead = 2048;
  /// Workers that live on for what their last call left behind; they are nobody's to kill.
  const std::vector<pid_t>& retired() const noexcept { return retired_; }

 private:
  struct Given {
    std::uint64_t id;
    std::size_t size;  // of its record
  };
  struct Seat {
    Child child;
    Channel channel;
    sys::Fd far_end;  // a copy of the worker's reading end, see start()
    std::vector<Given> in_hand;
    std::uint32_t serial = 0;  // tells this worker from the one before it in the same slot
    bool reading = false;
    bool writing = false;  // the channel is full: waiting for room
    bool revoking = false;
  };
  enum class What : std::uint64_t { In, Out, End };

  static constexpr std::uint64_t kMine = std::uint64_t{1} << 63;

  void start(unsigned slot);
  void call_back(unsigned slot);
  void take_back(unsigned slot);
  bool may_give(unsigned slot) const;
  bool can_start(unsigned slot);
  [[noreturn]] void become_worker(Channel channel, pid_t front);
  void give(unsigned slot, const Call& call);
  void send(unsigned slot);
  void send_fed();
  void receive(unsigned slot);
  void take(unsigned slot, const Record& record);
  void take_all(unsigned slot);
  void bury(unsigned slot);
  void let_retire(unsigned slot);
  void forget_worker(unsigned slot);
  std::size_t count_read(const Seat& seat) const;
  std::uint64_t poll_id(unsigned slot, What what) const;
  bool waits_behind_slow_one(unsigned slot) const;

  Client& client_;
  sys::Poller& poller_;
  Hooks hooks_;
  Scheduler scheduler_;
  std::vector<Seat> seats_;
  std::uint32_t serials_ = 0;
  unsigned living_ = 0;
  std::vector<pid_t> retired_;
  std::vector<unsigned> fed_;  // slots whose channels have something to send
  bool closed_ = false;
};

}  // namespace procrun::pool
