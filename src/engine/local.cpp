#include "engine/local.h"

#include <fmt/core.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>

#include "job/tree.h"
#include "sys/pidfd.h"
#include "sys/proc.h"

namespace procrun::engine {
namespace {

/// So long who was killed may take to go.
constexpr auto kUnkillable = std::chrono::seconds{5};

using Moment = sys::Clock::time_point;

/// Children of ours, or of those among them: nobody else reaps them.
void await_end(const std::vector<job::Killed>& killed) {
  const sys::Deadline give_up = sys::Clock::now() + kUnkillable;
  for (const auto& one : killed) {
    const auto pidfd = sys::open_pidfd(one.pid);
    pollfd ended{.fd = pidfd ? pidfd->get() : -1, .events = POLLIN, .revents = 0};
    if (pidfd) sys::poll_until({&ended, 1}, give_up);
  }
}

}  // namespace

void Local::Client::wrote(std::uint64_t, const HandedOn&, const job::SpillFile&) {
  throw std::logic_error("nobody takes lines here");
}

Local::Local(Options options, Client& client, sys::Poller& poller)
    : client_{client},
      tokens_{options.tokens},
      in_worker_{std::move(options.in_worker)},
      workshop_{.policy = std::move(options.policy),
                .listens = options.interest >= event::Interest::Story,
                .details = options.interest >= event::Interest::Details,
                .accounts = options.accounts,
                .once = options.once,
                .spill = {},
                .pipes = {},
                .tokens = options.tokens},
      spill_of_slot_(options.slots),
      front_{options.slots, *this, poller,
             pool::Front::Hooks{.calls_listen = true,
                                .before_fork =
                                    [this](unsigned slot) {
                                      workshop_.slot = slot;
                                      open_spill(slot);
                                    },
                                .born =
                                    [this](unsigned slot, pid_t pid, Moment since) {
                                      if (workshop_.details) tell_birth(slot, pid, since);
                                    },
                                .buried =
                                    [this](pid_t pid, ExitStatus status) {
                                      if (workshop_.details) tell_end(pid, status.raw(), "worker");
                                    },
                                .in_worker =
                                    [this] {
                                      if (in_worker_) in_worker_();
                                      workshop_.open();
                                    },
                                .when_abandoned = [this] { workshop_.abandon(); }}} {}

void Local::resize(unsigned slots) {
  if (slots > spill_of_slot_.size()) spill_of_slot_.resize(slots);
  front_.resize(slots);
}

/// Before the fork, so that front and worker share the file.
void Local::open_spill(unsigned slot) {
  if (workshop_.policy.output.mode != job::Output::Capture) return;
  using Freed = std::atomic<std::uint64_t>;
  auto& space = spills_.emplace_back(
      SpillSpace{.file = sys::open_temporary(),
                 .freed = sys::SharedMemory{job::Spill::kRegions * sizeof(Freed)}});
  spill_of_slot_[slot] = {.fd = space.file.get(), .freed = static_cast<Freed*>(space.freed.get())};
  workshop_.spill = job::Spill{spill_of_slot_[slot]};
}

void Local::order(const job::Order& order) {
  pool::Writer writer;
  writer.put(Word::Order);
  put(writer, order);
  for (const auto& [seq, slot] : slot_of_) front_.tell(seq, writer.bytes());
  if (order.kind == job::Order::Kind::Stop) front_.signal(SIGCONT);  // one may have been stopped
}

void Local::order(std::uint64_t seq, const job::Order& order) {
  pool::Writer writer;
  writer.put(Word::Order);
  put(writer, order);
  front_.tell(seq, writer.bytes());
}

void Local::receipt(std::uint64_t seq, const Receipt& receipt) {
  pool::Writer writer;
  writer.put(Word::Receipt);
  writer.put(receipt);
  front_.tell(seq, writer.bytes());
}

bool Local::has_next() const {
  const bool has_job = client_.has_job();
  waits_for_token_ = has_job && tokens_ != nullptr && !tokens_->ready();
  return has_job && !waits_for_token_;
}

std::optional<pool::Call> Local::next(unsigned slot) {
  waits_for_token_ = tokens_ != nullptr && !tokens_->take(slot);
  if (waits_for_token_) return std::nullopt;
  const auto job = client_.next_job(slot);
  if (!job && tokens_ != nullptr) tokens_->release(slot);
  if (!job) return std::nullopt;
  slot_of_[job->seq] = slot;
  return pool::Call{job->seq, make_job_call(workshop_, *job).bytes()};
}

/// The job is not in hand any more; the slot that had it.
unsigned Local::take_back(std::uint64_t id) {
  const unsigned slot = slot_of_.extract(id).mapped();
  if (tokens_ != nullptr) tokens_->release(slot);
  return slot;
}

void Local::told(std::uint64_t id, pool::Reader payload) {
  if (payload.get<Word>() == Word::Event) return client_.take(get_event(payload));
  client_.wrote(id, get_handed_on(payload), spill_of_slot_[slot_of_.at(id)]);
}

void Local::ended(std::uint64_t id, pool::Reader result) {
  const job::SpillFile& spill = spill_of_slot_[take_back(id)];
  client_.ended(id, get_supervised(result), spill);
}

void Local::failed(std::uint64_t id, const std::string& text) {
  take_back(id);
  client_.broke(id, text);
}

/// The command dies with its worker (by its parent-death signal); whatever was below it has come to
/// us. All of it is gone before another job has the place, and the token.
void Local::lost(std::uint64_t id, pid_t worker, ExitStatus status) {
  await_end(job::kill_tree([this](pid_t pid) { return is_worker(pid) || is_retired(pid); }).killed);
  reap_orphans();
  take_back(id);
  job::Supervised result;
  result.outcome.kind = job::Outcome::Kind::Lost;
  result.outcome.why = fmt::format("lost: its worker {} was {}", worker, status.text());
  client_.ended(id, std::move(result), {});
}

void Local::returned(std::uint64_t id) {
  take_back(id);
  client_.returned(id);
}

void Local::reap_orphans() {
  for (;;) {
    siginfo_t ended{};
    // A worker's end is told by its pidfd; it is reaped there, with what it left in its channel.
    if (::waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == -1) return;
    if (ended.si_pid == 0 || is_worker(ended.si_pid)) return;
    const std::string name = workshop_.details ? sys::command_of(ended.si_pid) : "";
    int status = 0;
    const bool reaped = ::waitpid(ended.si_pid, &status, WNOHANG) == ended.si_pid;
    if (reaped && workshop_.details) tell_orphan(ended.si_pid, status, name);
  }
}

void Local::tell_birth(unsigned slot, pid_t pid, sys::Clock::time_point since) {
  client_.take({.type = event::Type::Fork,
                .at = since,
                .pid = pid,
                .ppid = ::getpid(),
                .status = static_cast<int>(slot) + 1,
                .text = "worker"});
}

void Local::tell_end(pid_t pid, int status, const std::string& name) {
  client_.take({.type = event::Type::Reap, .pid = pid, .status = status, .text = name});
}

/// Of a lost worker's tree, which came to us.
void Local::tell_orphan(pid_t pid, int status, const std::string& name) {
  const auto us = sys::process_stat(::getpid());
  client_.take({.type = event::Type::Orphan,
                .pid = pid,
                .ppid = ::getpid(),
                .text = us ? us->name : "[not in /proc]"});
  tell_end(pid, status, name);
}

void Local::end_orphans() {
  const auto retired = [this](pid_t pid) { return is_retired(pid); };
  const auto give_up = sys::Clock::now() + kUnkillable;
  for (;;) {
    reap_orphans();
    siginfo_t any{};
    if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD) return;
    if (sys::descendants_of(::getpid(), retired).empty()) return;
    const auto swept = job::kill_tree(retired);
    const bool beyond_reach = swept.killed.empty() && !swept.refused.empty();
    if (beyond_reach || give_up <= sys::Clock::now()) return name_survivors(retired);
    sys::poll_until({}, sys::Clock::now() + std::chrono::milliseconds{10});
  }
}

void Local::name_survivors(const job::Spare& spare) {
  for (const auto& [pid, parent] : sys::descendants_of(::getpid(), spare)) {
    client_.take({.type = event::Type::Leak,
                  .pid = pid,
                  .ppid = parent,
                  .status = 1,
                  .text = sys::command_of(pid)});
  }
}

bool Local::is_worker(pid_t pid) const {
  const auto workers = front_.workers();
  return std::find(workers.begin(), workers.end(), pid) != workers.end();
}

bool Local::is_retired(pid_t pid) const {
  const auto& retired = front_.retired();
  return std::find(retired.begin(), retired.end(), pid) != retired.end();
}

}  // namespace procrun::engine
