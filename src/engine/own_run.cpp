#include "engine/own_run.h"

#include <signal.h>
#include <unistd.h>

#include <utility>

#include "engine/outcome_event.h"
#include "engine/single_run.h"

namespace procrun::engine {

using event::Type;

SignalContext::SignalContext(Options options, const event::Bus& bus, sys::Outlet* err)
    : options_{std::move(options)},
      bus_{bus},
      err_{err},
      signals_{options_.signals},
      fd_{signals_.fd()} {}

void SignalContext::emit(const event::Event& event) {
  event::Event named = event;
  if (event.type == Type::Exec) named.text = options_.text;
  bus_.emit(named);
  if (err_ != nullptr) err_->flush();
}

void SignalContext::hear(std::size_t) {
  for (const auto& info : signals_.read()) {
    if (sys::is_ignored(static_cast<int>(info.ssi_signo))) continue;
    if (const auto order = order_for(info, options_.stops)) add(*order);
  }
}

void SignalContext::stand_still() {
  ::raise(SIGSTOP);
  orders_.push_front({.kind = job::Order::Kind::Resume});
}

std::optional<job::Order> SignalContext::next_order() {
  if (orders_.empty()) return std::nullopt;
  const job::Order order = orders_.front();
  orders_.pop_front();
  return order;
}

job::Outcome run_own(const job::Job& job, const job::Policy& policy, const std::string& name,
                     job::Context& context) {
  context.emit({.type = Type::RunStart, .pid = ::getpid()});
  event::JobRecord record{.slot = 1, .name = name, .argv = job.argv};
  context.emit({.type = Type::JobGiven, .seq = job.seq, .record = &record});
  job::Supervised result = job::supervise(job, policy, context);
  auto end = end_event(job.seq, result.outcome);
  add_end(record, result);
  end.record = &record;
  context.emit(end);
  context.emit({.type = Type::RunEnd, .text = result.outcome.text()});
  return std::move(result.outcome);
}

}  // namespace procrun::engine
