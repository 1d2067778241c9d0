#include "engine/pool_run.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include "engine/outcome_event.h"

namespace procrun::engine {
namespace {

using event::Event;
using event::Type;

/// What the poller watches besides the workers.
constexpr std::uint64_t kSignals = 1;
constexpr std::uint64_t kInput = 2;
constexpr std::uint64_t kOut = 3;
constexpr std::uint64_t kErr = 4;

/// Output that waits in memory for its reader: beyond this no job is started.
constexpr std::size_t kBacklog = 1024 * 1024;
/// The same with what waits in files.
constexpr std::uint64_t kWaitingInFiles = std::uint64_t{1} << 30;
/// For output that is left when the run was ended.
constexpr auto kPatience = std::chrono::milliseconds{500};

}  // namespace

PoolRun::PoolRun(PoolPlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err)
    : plan_{std::move(plan)},
      bus_{bus},
      out_{out},
      err_{err},
      listens_{bus.listens()},
      signals_{sys::all_signals()},
      printer_{out, err, plan_.keep_order},
      local_{{.slots = plan_.slots,
              .policy = plan_.policy,
              .listens = bus.listens(),
              .in_worker = [this] { signals_.close(); }},
             *this,
             poller_} {
  poller_.add(signals_.fd(), EPOLLIN, kSignals);
}

PoolResult PoolRun::run() {
  bus_.emit({.type = Type::RunStart, .pid = ::getpid()});
  while (!all_done()) round();
  printer_.finish();
  local_.close();
  if (broken_.empty()) bus_.emit({.type = Type::RunEnd, .text = summary()});
  sys::Deadline patience;
  while (!flushed() || !local_.finished()) {
    // Whoever was told to end does not wait for a reader that sleeps.
    if (stopping_ && !patience) patience = sys::Clock::now() + kPatience;
    if (local_.finished() && patience && *patience <= sys::Clock::now()) break;
    serve(patience);
  }
  local_.end_orphans();
  obey_signals();
  if (!broken_.empty()) throw std::runtime_error(broken_);
  if (out_.broken() && result_.signal == 0) result_.signal = out_.hung_up() ? SIGHUP : SIGPIPE;
  return result_;
}

/// Where procrun itself fails, what runs is ended before the error is told.
void PoolRun::round() {
  try {
    read_inputs();
    flushed();
    if (may_start()) local_.feed();
    if (!all_done()) serve({});
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

bool PoolRun::flushed() {
  const bool out = out_.flush();
  return err_.flush() && out;
}

/// One round: wait; then signals, before the results, before new starts. It does not flush: whoever
/// has found that output waits, and so does not go on, is to be woken for it.
void PoolRun::serve(const sys::Deadline& patience) {
  watch(out_, out_watched_, kOut);
  if (&err_ != &out_) watch(err_, err_watched_, kErr);
  watch_inputs();
  const auto ready = poller_.wait(sys::earlier(local_.deadline(), patience));
  const auto is_signal = [](const auto& one) { return one.id == kSignals; };
  if (std::any_of(ready.begin(), ready.end(), is_signal)) obey_signals();
  for (const auto& one : ready) {
    if (pool::Front::owns(one.id)) local_.handle(one);
  }
  local_.tick();
  if (out_.broken() && !stopping_) stop(0);
}

bool PoolRun::may_start() const { return !stopping_ && out_.backlog() + err_.backlog() < kBacklog; }

bool PoolRun::all_done() const {
  if (local_.busy() != 0) return false;
  return stopping_ || (inputs_ended_ && pending_.empty());
}

/// Enough rows that slots need not wait, not so many that they fill memory.
void PoolRun::read_inputs() {
  while (!inputs_ended_ && !stopping_ && pending_.size() < wanted_pending()) {
    Row row;
    switch (plan_.inputs.next(row)) {
      case input::Pull::Item:
        pending_.push_back({++seqs_, std::move(row)});
        continue;
      case input::Pull::Later:
        return;
      case input::Pull::End:
        inputs_ended_ = true;
    }
  }
}

std::size_t PoolRun::wanted_pending() const { return plan_.slots * std::size_t{8} + 16; }

void PoolRun::watch_inputs() {
  const bool wanted = !inputs_ended_ && !stopping_ && pending_.size() < wanted_pending();
  const int fd = wanted ? plan_.inputs.wait_fd() : -1;
  if (fd == watched_input_) return;
  if (watched_input_ != -1) poller_.remove(watched_input_);
  watched_input_ = fd;
  if (fd != -1) poller_.add(fd, EPOLLIN, kInput);
}

void PoolRun::watch(sys::Outlet& outlet, bool& watched, std::uint64_t id) {
  if (outlet.empty() == !watched) return;
  watched = !watched;
  if (watched) {
    poller_.add(outlet.poll_fd(), EPOLLOUT, id);
  } else {
    poller_.remove(outlet.poll_fd());
  }
}

void PoolRun::obey_signals() {
  for (const auto& info : signals_.read()) {
    const int signal = static_cast<int>(info.ssi_signo);
    switch (signal) {
      case SIGCHLD:
        local_.reap_orphans();
        continue;
      case SIGTSTP:
      case SIGTTIN:
      case SIGTTOU:
        if (!sys::is_ignored(signal)) stand_still(signal);
        continue;
      case SIGPIPE:  // told by the write that failed
      case SIGCONT:
      case SIGURG:
      case SIGWINCH:
        continue;
      default:
        if (!sys::is_ignored(signal)) stop(signal);
    }
  }
}

/// Starts nothing any more and ends what runs: gently, and the second time with KILL.
void PoolRun::stop(int signal) {
  stopping_ = true;
  if (result_.signal == 0) result_.signal = signal;
  local_.order({.kind = job::Order::Kind::Stop});
}

/// Stops the jobs, their clocks and this process; what follows happens when it goes on.
void PoolRun::stand_still(int signal) {
  local_.order({.kind = job::Order::Kind::Pause, .signal = signal});
  ::raise(SIGSTOP);
  local_.order({.kind = job::Order::Kind::Resume});
}

void PoolRun::give_up(const std::string& why) {
  if (broken_.empty()) broken_ = why;
  if (!stopping_) stop(0);
}

std::optional<job::Job> PoolRun::next_job(unsigned slot) {
  if (pending_.empty() || stopping_) return std::nullopt;
  Pending next = std::move(pending_.front());
  pending_.pop_front();
  job::Job job = plan_.recipe.make(next.row, next.seq, slot + 1);
  if (plan_.tag)
    job.tag = plan_.tag->text({.items = next.row, .seq = next.seq, .slot = slot + 1}) + '\t';
  in_hand_[next.seq] = {std::move(next.row), job};
  return job;
}

bool PoolRun::plenty() const { return !stopping_ && pending_.size() >= plan_.slots * 4; }

void PoolRun::returned(std::uint64_t seq) {
  const auto job = in_hand_.find(seq);
  pending_.push_front({seq, std::move(job->second.first)});
  in_hand_.erase(job);
}

void PoolRun::take(const Event& event) {
  if (event.type != Type::Exec) return bus_.emit(event);
  Event named = event;
  named.text = text_of(event.seq);
  bus_.emit(named);
}

void PoolRun::ended(std::uint64_t seq, job::Supervised result, int spill_fd) {
  const job::Outcome& outcome = result.outcome;
  count(seq, outcome);
  const auto end = end_event(seq, outcome);
  if (listens_ || end.type == Type::JobFailed) bus_.emit(end);
  in_hand_.erase(seq);
  printer_.print(seq, std::move(result.output), spill_fd);
}

void PoolRun::broke(std::uint64_t seq, const std::string& why) {
  in_hand_.erase(seq);
  give_up(fmt::format("job {}: {}", seq, why));
}

void PoolRun::count(std::uint64_t seq, const job::Outcome& outcome) {
  ++result_.jobs;
  if (outcome.kind == job::Outcome::Kind::Cancelled) {
    ++result_.cancelled;
  } else if (!outcome.success() && ++result_.failed == 1) {
    const std::string how = outcome.kind == job::Outcome::Kind::Ended && outcome.status.exited()
                                ? fmt::format("code {}", outcome.status.code())
                                : outcome.text();
    first_failure_ = fmt::format(" (job {}: {}: {})", seq, text_of(seq), how);
  }
}

std::string PoolRun::text_of(std::uint64_t seq) const {
  const auto job = in_hand_.find(seq);
  return job == in_hand_.end() ? std::string{} : plan_.recipe.text(job->second.second);
}

std::string PoolRun::summary() const {
  std::string text = fmt::format("{} job{}, {} ok", result_.jobs, result_.jobs == 1 ? "" : "s",
                                 result_.jobs - result_.failed - result_.cancelled);
  if (result_.failed != 0) text += fmt::format(", {} failed{}", result_.failed, first_failure_);
  if (result_.cancelled != 0) text += fmt::format(", {} cancelled", result_.cancelled);
  if (result_.signal != 0) {
    text +=
        fmt::format("; ended by signal {} ({})", result_.signal, sys::signal_name(result_.signal));
  }
  return text;
}

}  // namespace procrun::engine
