#include "pool/pool.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

namespace procrun::pool {
namespace {

constexpr auto kTermGrace = std::chrono::seconds{1};
constexpr std::uint64_t kAlarm = 0;  // no id of a front's

}  // namespace

Desk::Desk(unsigned workers, Watch watch)
    : owner_{::getpid()},
      alarm_{watch.alarm},
      alarmed_{std::move(watch.alarmed)},
      front_{std::max(1U, workers),
             *this,
             poller_,
             {.born = std::move(watch.born),
              .buried = std::move(watch.buried),
              .in_worker = std::move(watch.in_worker)}} {
  if (alarm_ != -1) poller_.add(alarm_, EPOLLIN, kAlarm);
  front_.start_all();
}

Desk::~Desk() = default;

std::shared_ptr<Reply> Desk::submit(Writer bytes) {
  require_owner();
  if (closed_) throw std::logic_error("the pool is closed: no calls after close()");
  const std::uint64_t id = ++ids_;
  queue_.push_back({{id, std::move(bytes).bytes()}, std::make_shared<Reply>()});
  auto reply = queue_.back().reply;
  // Take in what has come meanwhile, so that no worker idles while its front goes on submitting.
  take_in(sys::Clock::now());
  front_.feed();
  return reply;
}

bool Desk::wait_for(const Reply& reply, const sys::Deadline& deadline) {
  if (reply.state == Reply::State::Pending) require_owner();
  while (reply.state == Reply::State::Pending) {
    if (deadline && *deadline <= sys::Clock::now()) {
      serve(deadline);
      return reply.state != Reply::State::Pending;
    }
    serve(deadline);
  }
  return true;
}

void Desk::close() {
  require_owner();
  closed_ = true;
  if (queue_.empty() && in_hand_.empty()) front_.close();
}

void Desk::join() {
  require_owner();
  if (!closed_) throw std::logic_error("a pool is joined after close() or terminate()");
  while (!queue_.empty() || !in_hand_.empty()) serve({});
  front_.close();
  while (front_.living() != 0) serve({});
}

void Desk::terminate() {
  if (owner_ != ::getpid()) return;  // a forked copy: the workers are not ours
  closed_ = terminated_ = true;
  for (const Waiting& call : std::exchange(queue_, {})) lose_unbegun(*call.reply);
  front_.close();
  front_.signal(SIGTERM);
  const auto deadline = sys::Clock::now() + kTermGrace;
  while (front_.living() != 0 && sys::Clock::now() < deadline) serve(deadline);
  front_.signal(SIGKILL);
  while (front_.living() != 0) serve({});
}

void Desk::take_in(const sys::Deadline& deadline) {
  bool alarmed = false;
  for (const auto& ready : poller_.wait(sys::earlier(deadline, front_.deadline()))) {
    alarmed = alarmed || ready.id == kAlarm;
    if (ready.id != kAlarm) front_.handle(ready);
  }
  front_.tick();
  if (alarmed) pass_alarm_on();
}

/// Not in the midst of what the poller brought, which it tells but once.
void Desk::pass_alarm_on() {
  poller_.remove(std::exchange(alarm_, -1));
  alarmed_();
}

void Desk::serve(const sys::Deadline& deadline) {
  front_.feed();
  take_in(deadline);
  front_.feed();
}

std::optional<Call> Desk::next(unsigned) {
  if (queue_.empty()) return std::nullopt;
  const auto [call, added] = in_hand_.emplace(queue_.front().call.id, std::move(queue_.front()));
  queue_.pop_front();
  return call->second.call;  // a copy: it comes back if its worker dies before it reads it
}

void Desk::ended(std::uint64_t id, Reader result) {
  settle(id, Reply::State::Value, std::string{result.rest()});
}

void Desk::failed(std::uint64_t id, const std::string& text) {
  settle(id, Reply::State::Failed, text);
}

void Desk::lost(std::uint64_t id, pid_t worker, ExitStatus status) {
  settle(id, Reply::State::Lost,
         fmt::format("worker {} {} during the call", worker, status.text()));
}

void Desk::returned(std::uint64_t id) {
  const auto call = in_hand_.find(id);
  if (call == in_hand_.end()) return;
  if (terminated_) {
    lose_unbegun(*call->second.reply);
  } else {
    queue_.push_front(std::move(call->second));
  }
  in_hand_.erase(call);
}

void Desk::lose_unbegun(Reply& reply) {
  reply.bytes = "the pool was terminated before the call began";
  reply.state = Reply::State::Lost;
}

void Desk::settle(std::uint64_t id, Reply::State state, std::string bytes) {
  const auto call = in_hand_.find(id);
  if (call == in_hand_.end()) return;
  call->second.reply->bytes = std::move(bytes);
  call->second.reply->state = state;
  in_hand_.erase(call);
}

void Desk::require_owner() const {
  if (owner_ != ::getpid()) throw std::logic_error("a pool is used by the process that made it");
}

}  // namespace procrun::pool
