#include "engine/single_run.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <utility>

#include "engine/outcome_event.h"

namespace procrun::engine {
namespace {

using event::Type;

constexpr std::uint64_t kSignals = 1;

}  // namespace

SingleRun::SingleRun(SinglePlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err)
    : plan_{std::move(plan)},
      bus_{bus},
      out_{out},
      err_{err},
      signals_{sys::all_signals()},
      local_{{.slots = 1,
              .policy = plan_.policy,
              .interest = bus.interest(),
              .accounts = plan_.accounts,
              .once = true,
              .in_worker = [this] { signals_.close(); }},
             *this,
             poller_} {
  poller_.add(signals_.fd(), EPOLLIN, kSignals);
}

SingleResult SingleRun::run() {
  tell({.type = Type::RunStart, .pid = ::getpid()});
  obey_signals();  // it may be told to end before it has begun
  if (result_.signal != 0) {
    result_.outcome.kind = job::Outcome::Kind::Cancelled;
    over_ = true;
  }
  if (!over_) local_.feed();
  while (!over_) serve();
  local_.close();
  while (!local_.finished()) serve();
  local_.end_orphans();
  if (broken_.empty()) tell({.type = Type::RunEnd, .text = result_.outcome.text()});
  while (!flushed() && result_.signal == 0) wait_for_reader();
  if (!broken_.empty()) throw std::runtime_error(broken_);
  return std::move(result_);
}

/// What was kept is shown to a reader who may sleep: a signal ends the wait.
void SingleRun::wait_for_reader() {
  const int outlet = out_.empty() ? err_.poll_fd() : out_.poll_fd();
  std::array<pollfd, 2> fds{pollfd{.fd = outlet, .events = POLLOUT, .revents = 0},
                            pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
  sys::poll_until(fds, {});
  obey_signals();
}

bool SingleRun::flushed() { return sys::flush_both(out_, err_); }

void SingleRun::serve() {
  flushed();
  for (const auto& one : poller_.wait(local_.deadline())) {
    if (one.id == kSignals) obey_signals();
    if (pool::Front::owns(one.id)) local_.handle(one);
  }
  local_.tick();
}

void SingleRun::obey_signals() {
  for (const auto& info : signals_.read()) {
    const int signal = static_cast<int>(info.ssi_signo);
    if (signal == SIGCHLD) local_.reap_orphans();
    if (sys::is_ignored(signal)) continue;
    const auto order = order_for(info, true);
    if (!order) continue;
    if (order->kind == job::Order::Kind::Stop) {
      if (stop_request_.is_told_twice(signal, sys::Clock::now())) continue;
      result_.signal = stop_request_.signal();
    }
    const bool pauses = order->kind == job::Order::Kind::Pause;
    if (pauses && signal != SIGTSTP && is_limited()) continue;
    local_.order(*order);
    if (pauses) stand_still();
  }
}

/// Then a command that asks for the terminal in vain, in the background, is ended all the same.
bool SingleRun::is_limited() const { return plan_.policy.timeout || plan_.policy.deadline; }

/// Stops this process as the terminal, or whoever sent the signal, wants it. What follows happens
/// when it goes on.
void SingleRun::stand_still() {
  ::raise(SIGSTOP);
  local_.order({.kind = job::Order::Kind::Resume});
}

std::optional<job::Job> SingleRun::next_job(unsigned) {
  if (std::exchange(given_, true)) return std::nullopt;
  record_.slot = 1;
  record_.name = plan_.name;
  record_.argv = plan_.job.argv;
  tell({.type = Type::JobGiven, .seq = plan_.job.seq, .record = &record_});
  over_ = !broken_.empty();
  if (over_) return std::nullopt;
  return plan_.job;
}

/// A report that fails (a full disk) ends the command before the error is told.
void SingleRun::tell(const event::Event& event) {
  try {
    bus_.emit(event);
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

void SingleRun::give_up(const std::string& why) {
  if (broken_.empty()) broken_ = why;
  over_ = over_ || local_.busy() == 0;
  local_.order({.kind = job::Order::Kind::Stop});
}

void SingleRun::take(const event::Event& event) {
  if (event.type != Type::Exec) return tell(event);
  event::Event named = event;
  named.text = plan_.text;
  tell(named);
}

void SingleRun::ended(std::uint64_t seq, job::Supervised result, const job::SpillFile& spill) {
  const bool show = !plan_.quiet_ok || !result.outcome.success();
  if (show) Printer{out_, err_, false}.print(seq, std::move(result.output), spill);
  tell_end(seq, result);
  result_.outcome = std::move(result.outcome);
  over_ = true;
}

/// Its worker was killed before it had read the job: lost as if it had.
void SingleRun::returned(std::uint64_t seq) {
  using Kind = job::Outcome::Kind;
  job::Supervised result;
  result.outcome.kind = result_.signal == 0 ? Kind::Lost : Kind::Cancelled;
  result.outcome.why = "lost: its worker was killed before it began";
  tell_end(seq, result);
  result_.outcome = std::move(result.outcome);
  over_ = true;
}

void SingleRun::tell_end(std::uint64_t seq, const job::Supervised& result) {
  auto end = end_event(seq, result.outcome);
  add_end(record_, result);
  end.record = &record_;
  tell(end);
}

void SingleRun::broke(std::uint64_t, const std::string& why) {
  broken_ = why;
  over_ = true;
}

std::optional<job::Order> order_for(const signalfd_siginfo& info, bool stops) {
  using Kind = job::Order::Kind;
  const bool group_has_it = info.ssi_code == SI_KERNEL;
  const int signal = static_cast<int>(info.ssi_signo);
  switch (signal) {
    case SIGCHLD:
    case SIGPIPE:
      return std::nullopt;
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
      return job::Order{.kind = Kind::Pause, .signal = signal, .group_has_it = group_has_it};
    case SIGINT:
    case SIGTERM:
    case SIGHUP:
      return job::Order{.kind = stops ? Kind::Stop : Kind::Forward,
                        .signal = signal,
                        .group_has_it = group_has_it};
    default:
      return job::Order{.kind = Kind::Forward, .signal = signal, .group_has_it = group_has_it};
  }
}

}  // namespace procrun::engine
