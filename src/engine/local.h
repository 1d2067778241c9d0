#pragma once
// Joins pool and job: jobs run in the workers of this machine.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "engine/wire.h"
#include "engine/workshop.h"
#include "job/tree.h"
#include "pool/front.h"
#include "sys/shared_memory.h"

namespace procrun::engine {

/// Runs jobs, each in a worker that supervises it. Like the pool's front it never blocks: its owner
/// waits on the poller and hands it what is ready.
class Local final : pool::Front::Client {
 public:
  /// Who has the jobs and wants the outcomes. A job is named by its seq.
  class Client {
   public:
    virtual ~Client() = default;
    virtual bool has_job() const = 0;
    virtual std::optional<job::Job> next_job(unsigned slot) = 0;
    /// Enough jobs wait that some may be given to workers before they are free.
    virtual bool plenty() const = 0;
    virtual void take(const event::Event& event) = 0;
    /// The job has written lines (OutputPolicy::by_line); receipt() is to be called for what they
    /// want one for. Files as for ended().
    virtual void wrote(std::uint64_t seq, const HandedOn& lines, const job::SpillFile& spill);
    /// The job has ended; what it wrote is in memory or in the file `spill`, which stays open.
    virtual void ended(std::uint64_t seq, job::Supervised result, const job::SpillFile& spill) = 0;
    /// It was given to a slot and comes back unstarted.
    virtual void returned(std::uint64_t seq) = 0;
    /// procrun itself failed at it (a full disk): the run cannot go on.
    virtual void broke(std::uint64_t seq, const std::string& why) = 0;
  };

  struct Options {
    unsigned slots = 1;
    job::Policy policy;
    event::Interest interest = event::Interest::Records;  // of those who hear the events
    bool accounts = false;            // somebody wants to know whether memory ran out
    bool once = false;                // there is one job: its worker goes when that has ended
    Tokens* tokens = nullptr;         // a job starts with one of these; borrowed
    std::function<void()> in_worker;  // closes in a new worker what is the owner's
  };

  Local(Options options, Client& client, sys::Poller& poller);

  /// From now on there are so many slots; jobs in surplus ones go on to their end.
  void resize(unsigned slots);
  void feed() { front_.feed(); }
  /// The last feed() ended for want of a token.
  bool waits_for_token() const noexcept { return waits_for_token_; }
  void handle(const sys::Poller::Ready& ready) { front_.handle(ready); }
  sys::Deadline deadline() const { return front_.deadline(); }
  void tick() { front_.tick(); }

  /// Tells every job in hand.
  void order(const job::Order& order);
  /// Tells one of them.
  void order(std::uint64_t seq, const job::Order& order);
  /// Tells a job's worker that lines of it have been written out.
  void receipt(std::uint64_t seq, const Receipt& receipt);
  unsigned busy() const noexcept { return front_.busy(); }
  /// Reaps what was adopted from a lost worker. To be called on SIGCHLD.
  void reap_orphans();
  /// Lets the workers go. finished() once they have.
  void close() { front_.close(); }
  bool finished() const noexcept { return front_.living() == 0; }
  /// Kills and reaps what lost workers left behind. Blocks until it is gone, or is found to be
  /// beyond our reach and named.
  void end_orphans();

 private:
  bool has_next() const override;
  std::optional<pool::Call> next(unsigned slot) override;
  /// What was given ahead would hold a token without running.
  bool plenty() const override { return !tokens_ && client_.plenty(); }
  void told(std::uint64_t id, pool::Reader payload) override;
  void ended(std::uint64_t id, pool::Reader result) override;
  void failed(std::uint64_t id, const std::string& text) override;
  void lost(std::uint64_t id, pid_t worker, ExitStatus status) override;
  void returned(std::uint64_t id) override;
  void open_spill(unsigned slot);
  void tell_birth(unsigned slot, pid_t pid, sys::Clock::time_point since);
  void tell_end(pid_t pid, int status, const std::string& name);
  void tell_orphan(pid_t pid, int status, const std::string& name);
  unsigned take_back(std::uint64_t id);
  void name_survivors(const job::Spare& spare);
  bool is_worker(pid_t pid) const;
  bool is_retired(pid_t pid) const;

  Client& client_;
  Tokens* tokens_;
  mutable bool waits_for_token_ = false;
  std::function<void()> in_worker_;
  Workshop workshop_;
  struct SpillSpace {
    sys::Fd file;
    sys::SharedMemory freed;
  };
  std::vector<SpillSpace> spills_;  // all there ever were: output may still be in them
  std::vector<job::SpillFile> spill_of_slot_;
  std::map<std::uint64_t, unsigned> slot_of_;  // of the jobs in hand
  pool::Front front_;
};

}  // namespace procrun::engine
