#include "engine/single_run.h"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "engine/outcome_event.h"

namespace procrun::engine {
namespace {

using event::Type;

constexpr std::uint64_t kSignals = 1;

}  // namespace

SingleRun::SingleRun(job::Job job, std::string text, const job::Policy& policy,
                     const event::Bus& bus, sys::Outlet& err)
    : job_{std::move(job)},
      text_{std::move(text)},
      bus_{bus},
      err_{err},
      signals_{sys::all_signals()},
      local_{{.slots = 1,
              .policy = policy,
              .listens = bus.listens(),
              .once = true,
              .in_worker = [this] { signals_.close(); }},
             *this,
             poller_} {
  poller_.add(signals_.fd(), EPOLLIN, kSignals);
}

SingleResult SingleRun::run() {
  local_.feed();
  while (!over_) serve();
  local_.close();
  while (!local_.finished()) serve();
  local_.end_orphans();
  err_.flush();
  if (!broken_.empty()) throw std::runtime_error(broken_);
  return std::move(result_);
}

void SingleRun::serve() {
  err_.flush();
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
    if (order->kind == job::Order::Kind::Stop && result_.signal == 0) result_.signal = signal;
    local_.order(*order);
  }
}

std::optional<job::Job> SingleRun::next_job(unsigned) { return std::exchange(job_, std::nullopt); }

void SingleRun::take(const event::Event& event) {
  if (event.type != Type::Exec) return bus_.emit(event);
  event::Event named = event;
  named.text = text_;
  bus_.emit(named);
}

void SingleRun::ended(std::uint64_t seq, job::Supervised result, int) {
  bus_.emit(end_event(seq, result.outcome));
  result_.outcome = std::move(result.outcome);
  over_ = true;
}

void SingleRun::broke(std::uint64_t, const std::string& why) {
  broken_ = why;
  over_ = true;
}

std::optional<job::Order> order_for(const signalfd_siginfo& info, bool stops) {
  const int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGCHLD || signal == SIGPIPE) return std::nullopt;
  const bool stop = stops && (signal == SIGINT || signal == SIGTERM || signal == SIGHUP);
  return job::Order{.kind = stop ? job::Order::Kind::Stop : job::Order::Kind::Forward,
                    .signal = signal,
                    .group_has_it = info.ssi_code == SI_KERNEL};
}

}  // namespace procrun::engine
