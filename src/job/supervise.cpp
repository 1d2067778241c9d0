#include "job/supervise.h"

#include <unistd.h>

#include <array>
#include <random>
#include <stdexcept>

#include "job/attempt.h"
#include "sys/poller.h"

namespace procrun::job {
namespace {

using event::Type;
using sys::Clock;

Supervised attempt_once(const Job& job, const Policy& policy, Context& context, Course& course,
                        bool& found_pattern) {
  Attempt attempt{job, policy, context, course};
  try {
    Supervised result = attempt.run();
    found_pattern = attempt.found_pattern();
    return result;
  } catch (...) {
    attempt.clean_up();
    throw;
  }
}

double random_unit() {
  static std::minstd_rand source{std::random_device{}()};
  return std::uniform_real_distribution<double>{0, 1}(source);
}

/// Ended by order between two attempts: the outcome is that of the one to come, which never began.
void call_off(Outcome& outcome) {
  outcome.kind = Outcome::Kind::Cancelled;
  outcome.pid = 0;
}

/// Waits until the next attempt is due. False when the job is ended meanwhile.
bool wait_for_next(sys::Duration delay, Context& context, Course& course) {
  auto& deadlines = course.deadlines;
  deadlines.set(Deadlines::Retry, after(Clock::now(), delay));
  while (!course.last && !deadlines.due(Deadlines::Retry, Clock::now())) {
    if (deadlines.due(Deadlines::AllTimeIsUp, Clock::now())) return false;
    std::array<pollfd, 2> fds{};
    std::size_t count = 0;
    for (const int fd : context.inbox()) fds[count++] = {.fd = fd, .events = POLLIN, .revents = 0};
    sys::poll_until({fds.data(), count}, deadlines.nearest());
    for (std::size_t i = 0; i < count; ++i) {
      if (fds[i].revents != 0) context.hear(i);
    }
    while (const auto order = context.next_order()) {
      using Kind = Order::Kind;
      if (order->kind == Kind::Stop || order->kind == Kind::Abandon) {
        course.last = course.cancelled = true;
      }
      if (order->kind == Kind::Turn && course.lines) course.lines->give_turn();
      if (order->kind == Kind::Resume) deadlines.resume(Clock::now());
      if (order->kind != Kind::Pause) continue;
      deadlines.pause(Clock::now());
      context.stand_still();
    }
  }
  deadlines.clear(Deadlines::Retry);
  return !course.last;
}

/// The outcome of the last attempt.
Supervised attempt_all(const Job& job, const Policy& policy, Context& context, Course& course) {
  for (;; ++course.attempt) {
    bool found_pattern = false;
    const Spill before = context.spill();
    Supervised result = attempt_once(job, policy, context, course, found_pattern);
    result.outcome.attempts = course.attempt;
    result.outcome.usage = course.usage;
    const bool again = course.attempt <= policy.retries && policy.retry &&
                       !result.outcome.left_behind &&
                       policy.retry->reasons.hold_for(result.outcome, found_pattern);
    if (again && course.cancelled) call_off(result.outcome);
    if (!again || course.last) return result;
    const auto delay = policy.retry->delays.before(course.attempt + 1, random_unit());
    if (course.lines) course.lines->hand_on();
    context.emit({.type = Type::Retry,
                  .seq = job.seq,
                  .attempt = course.attempt,
                  .pid = result.outcome.pid,
                  .status = static_cast<int>(course.attempt + 1),
                  .duration = delay,
                  .text = std::to_string(policy.retries + 1)});
    context.flush();  // before the pause, not behind it
    if (wait_for_next(delay, context, course)) {
      if (!course.lines) context.spill() = before;  // what it wrote is nobody's
      continue;
    }
    if (course.cancelled) call_off(result.outcome);
    return result;
  }
}

/// What each attempt wrote has been handed on, but for the rest.
void add_rest(Captured& output, LineBuffer& lines) {
  const std::uint64_t stdout_bytes = output.stdout_bytes;
  output = lines.take_rest();
  output.stdout_bytes = stdout_bytes;
}

}  // namespace

void Context::take(Lines&&) { throw std::logic_error("nobody takes lines here"); }

Supervised supervise(const Job& job, const Policy& policy, Context& context) {
  Course course;
  const auto began = Clock::now();
  if (job.in) {
    course.feed.emplace(*job.in);
  } else if (policy.retries != 0) {
    course.feed.emplace(policy.in == -1 ? STDIN_FILENO : policy.in);
  }
  if (policy.deadline) course.deadlines.set(Deadlines::AllTimeIsUp, after(began, *policy.deadline));
  if (policy.output.by_line) course.lines.emplace(context, job.seq, !policy.output.takes_turns);
  Supervised result = attempt_all(job, policy, context, course);
  if (course.lines) add_rest(result.output, *course.lines);
  return result;
}

}  // namespace procrun::job
