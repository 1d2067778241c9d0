#include "job/attempt.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "job/tree.h"
#include "sys/error.h"
#include "sys/poller.h"
#include "sys/proc.h"

namespace procrun::job {

using event::Type;
using sys::Clock;

namespace {

/// What a command leaves behind when it ends by itself may end by itself too: so long it may take,
/// anew for each piece of output, and so long at the most.
constexpr auto kLinger = std::chrono::milliseconds{100};
constexpr auto kLingerMost = std::chrono::seconds{2};
/// For a tree whose caller is gone.
constexpr auto kAbandonedGrace = std::chrono::milliseconds{500};
/// So long who was killed may take to go, before it is called beyond our reach.
constexpr auto kUnkillable = std::chrono::seconds{5};
/// So long a reader of the output may sleep when the job was ended by order.
constexpr auto kPatience = std::chrono::milliseconds{500};

/// False where the receiver has as many signals queued as it may: without the value one more can be
/// noted.
bool send_with(pid_t pid, int signal, std::uint64_t value) {
  const sigval sent{.sival_ptr =
                        reinterpret_cast<void*>(value)};  // NOLINT(performance-no-int-to-ptr)
  return ::sigqueue(pid, signal, sent) == 0;
}

bool holds(const std::vector<int>& numbers, int number) {
  return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

}  // namespace

Supervised Attempt::run() {
  while (const auto order = context_.next_order()) obey(*order);  // it may be cancelled by now
  if (stopping_ || !start()) return {std::move(outcome_), {}};
  while (!over_ || !wound_up()) {
    sleep();
    while (const auto order = context_.next_order()) obey(*order);
    if (over_) continue;
    if (reap()) stop_.tell_newcomers();
    on_deadlines();
    settle();
  }
  return conclude();
}

Command Attempt::command() {
  Command command{.argv = job_.argv};
  if (policy_.env) command.shared_env = &*policy_.env;
  command.extra_env = environment_of(job_, policy_.variables, course_.attempt);
  command.directory = policy_.directory;
  command.in = course_.feed ? course_.feed->begin() : policy_.in;
  command.out = output_.command_end(1);
  command.err = output_.command_end(2);
  command.group = policy_.group;
  command.terminal = policy_.terminal;
  command.close_others = policy_.close_others;
  command.kept = policy_.kept;
  command.place = policy_.place ? &*policy_.place : nullptr;
  command.parent_death_signal = policy_.parent_death_signal;
  command.signals = policy_.signals;
  command.signals_are_blocked = true;  // supervise() is called so
  return command;
}

bool Attempt::start() {
  output_.open();
  if (context_.listens()) emit({.type = Type::JobStart, .pid = ::getpid()});
  if (context_.accounts()) oom_before_ = oom_count();
  started_ = Clock::now();
  try {
    outcome_.pid = command().start();
  } catch (const SpawnError& error) {
    outcome_.kind = Outcome::Kind::CouldNotStart;
    outcome_.code = error.exit_code();
    outcome_.why = error.what();
    return false;
  }
  alive_ = children_ = true;
  if (course_.feed) course_.feed->started();
  context_.started(outcome_.pid);
  if (context_.wants_details()) {
    emit({.type = Type::Fork, .at = started_, .pid = outcome_.pid, .ppid = ::getpid()});
  }
  if (context_.listens()) emit({.type = Type::Exec, .pid = outcome_.pid, .ppid = ::getpid()});
  if (policy_.timeout) {
    course_.deadlines.set(Deadlines::TimeIsUp, after(started_, *policy_.timeout));
  }
  return true;
}

/// The one wait. What has come is taken in: orders first, then output.
void Attempt::sleep() {
  const auto inbox = context_.inbox();
  std::array<pollfd, 8> fds{};
  std::size_t heard = 0;
  for (const int fd : inbox) fds[heard++] = {.fd = fd, .events = POLLIN, .revents = 0};
  const std::size_t fed =
      heard + (course_.feed ? course_.feed->watch(std::span{fds}.subspan(heard)) : 0);
  const std::size_t count = fed + output_.watch(std::span{fds}.subspan(fed));
  const auto flush_by = context_.flush_by();
  if (output_.asks_for_turn()) {
    emit({.type = Type::WantsTurn});
    context_.flush();
  }
  auto nearest = over_ ? patience_ : sys::earlier(course_.deadlines.nearest(), gives_up_);
  nearest = sys::earlier(nearest, output_.deadline());
  sys::poll_until({fds.data(), count}, sys::earlier(nearest, flush_by));
  if (flush_by && *flush_by <= Clock::now()) context_.flush();
  for (std::size_t i = 0; i < heard; ++i) {
    if (fds[i].revents != 0) context_.hear(i);
  }
  if (course_.feed) course_.feed->serve(std::span{fds}.subspan(heard, fed - heard));
  const bool something = output_.serve(std::span{fds}.subspan(fed, count - fed));
  if (something && course_.deadlines.is_set(Deadlines::Leftovers)) linger();
}

void Attempt::obey(const Order& order) {
  switch (order.kind) {
    case Order::Kind::Forward:
      return forward(order);
    case Order::Kind::Pause:
      return pause(order);
    case Order::Kind::Resume:
      return resume();
    case Order::Kind::Turn:
      return output_.take_turn();
    case Order::Kind::TimeUp:
      if (order.attempt == course_.attempt) time_is_up();  // else it has failed meanwhile
      return;
    case Order::Kind::Stop: {
      course_.last = course_.cancelled = true;
      if (over_) return;
      course_.deadlines.resume(Clock::now());  // what is to end does not stand still
      StopPlan plan = policy_.stop;
      if (stopping_) plan = {{SIGKILL, {}}};
      if (order.signal != 0 && !stopping_) plan.front().signal = order.signal;
      return begin_stop(Outcome::Kind::Cancelled, std::move(plan), order.group_has_it);
    }
    case Order::Kind::Abandon:
      course_.last = course_.cancelled = true;
      if (over_) return;
      course_.deadlines.resume(Clock::now());  // nobody is left to continue it
      return begin_stop(Outcome::Kind::Cancelled, {{SIGTERM, kAbandonedGrace}, {SIGKILL, {}}},
                        false);
  }
}

/// One that may not be signalled is not ours to judge.
void Attempt::forward(const Order& order) {
  if (policy_.reach == Reach::Tree || (!alive_ && policy_.leftovers == Leftovers::Wait)) {
    signal_tree(order.signal, order.group_has_it ? ::getpgrp() : 0);
    return;
  }
  if (!alive_ || order.group_has_it) return;
  // Unreaped, so the number is its own, and its group's.
  if (policy_.reach == Reach::Group) {
    ::kill(-outcome_.pid, order.signal);
  } else if (!order.value || !send_with(outcome_.pid, order.signal, *order.value)) {
    ::kill(outcome_.pid, order.signal);
  }
}

void Attempt::pause(const Order& order) {
  course_.deadlines.pause(Clock::now());
  signal_tree(order.signal, order.group_has_it ? ::getpgrp() : 0);
  context_.stand_still();
}

void Attempt::resume() {
  const auto pause = course_.deadlines.resume(Clock::now());
  if (gives_up_) *gives_up_ += pause;
  continue_tree();
}

void Attempt::begin_stop(Outcome::Kind why, StopPlan plan, bool group_has_it) {
  if (!stopping_) {
    stopping_ = why;
    if (alive_ || outcome_.pid == 0) outcome_.kind = why;
  }
  course_.deadlines.clear(Deadlines::TimeIsUp);
  course_.deadlines.clear(Deadlines::Leftovers);
  if (!children_) return;
  const bool alone = policy_.foreground && alive_;
  stop_.begin(std::move(plan), group_has_it, alone ? outcome_.pid : 0);
  after_step();
}

void Attempt::after_step() {
  if (stop_.killing() && !gives_up_) gives_up_ = Clock::now() + kUnkillable;
  if (stop_.killing() && alive_) outcome_.killed = true;
  emit({.type = Type::Signal, .pid = outcome_.pid, .status = stop_.signal()});
  for (const auto& [pid, command] : stop_.take_killed()) {
    emit({.type = Type::Killed, .pid = pid, .text = command});
  }
  course_.deadlines.set(Deadlines::NextStep, after(Clock::now(), stop_.wait()));
}

void Attempt::on_deadlines() {
  const auto now = Clock::now();
  auto& deadlines = course_.deadlines;
  const bool all = deadlines.due(Deadlines::AllTimeIsUp, now);
  if (all || deadlines.due(Deadlines::TimeIsUp, now)) time_is_up();
  if (all) {
    deadlines.clear(Deadlines::AllTimeIsUp);
    course_.last = true;
  }
  if (alive_ && !stopping_ && output_.too_much() && policy_.output.end_at_most) {
    outcome_.fault = Outcome::Fault::Output;
    begin_stop(Outcome::Kind::Ended, policy_.stop, false);
  }
  if (deadlines.due(Deadlines::NextStep, now)) {
    stop_.next();
    after_step();
  }
  if (deadlines.due(Deadlines::Leftovers, now)) deal_with_leftovers();
}

void Attempt::time_is_up() {
  if (!alive_ || stopping_) return;
  emit({.type = Type::Timeout, .pid = outcome_.pid, .duration = Clock::now() - started_});
  begin_stop(Outcome::Kind::TimedOut, policy_.stop, false);
}

/// Who has ended or was stopped, and is still to be waited for: a name that is looked up now is its
/// own. 0: nobody; -1: there is no child.
pid_t Attempt::peek() {
  siginfo_t found{};
  constexpr int kAny = WEXITED | WSTOPPED | WCONTINUED;
  if (::waitid(P_ALL, 0, &found, kAny | WNOHANG | WNOWAIT) == 0) return found.si_pid;
  if (errno != ECHILD) sys::fail("waitid");
  return -1;
}

/// SIGCHLD does not count: everyone who has ended is reaped, whoever it was that woke us. Whether
/// there was one.
bool Attempt::reap() {
  bool any = false;
  while (children_) {
    const auto next = context_.listens() ? peek() : pid_t{-1};
    if (next == 0) break;
    std::string name;
    if (next != -1 && next != outcome_.pid) {
      name = sys::command_of(next);  // known only until it is reaped
      if (context_.wants_details()) tell_orphan(next);
    }
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(next, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage);
    if (pid == 0 && next != -1) continue;  // it was stopped, and goes on again
    if (pid == 0) break;
    if (pid == -1) {
      if (errno != ECHILD) sys::fail("wait4");
      children_ = false;
      break;
    }
    any = any || !(WIFSTOPPED(status) || WIFCONTINUED(status));
    note(pid, ExitStatus{status}, usage);
    if (!name.empty() && !WIFSTOPPED(status) && !WIFCONTINUED(status)) {
      emit({.type = Type::Reap, .pid = pid, .status = status, .text = name});
      orphans_.erase(pid);
    }
  }
  return any;
}

void Attempt::note(pid_t pid, ExitStatus status, const rusage& usage) {
  if (status.stopped() && pid == outcome_.pid) {
    emit({.type = Type::Stopped, .pid = pid, .status = status.raw()});
    context_.changed(pid, status);
  }
  if (status.continued() && pid == outcome_.pid && context_.wants_details()) {
    emit({.type = Type::Continued, .pid = pid});
  }
  if (status.stopped() || status.continued()) return;
  course_.usage.add(usage);
  if (pid != outcome_.pid || !alive_) return;
  alive_ = false;
  output_.close_command_ends();
  course_.deadlines.clear(Deadlines::TimeIsUp);
  outcome_.status = status;
  outcome_.duration = Clock::now() - started_;
  context_.changed(pid, status);
  if (context_.wants_details()) {
    tell_exit(status, usage);
    tell_orphans();
  }
  if (oom_before_ && status.signaled() && status.term_signal() == SIGKILL && !outcome_.killed) {
    outcome_.oom = oom_since(*oom_before_);
  }
}

void Attempt::tell_exit(ExitStatus status, const rusage& usage) {
  Usage used;
  used.add(usage);
  emit({.type = Type::Exit,
        .pid = outcome_.pid,
        .status = status.raw(),
        .duration = outcome_.duration,
        .user = used.user,
        .system = used.system,
        .max_rss = used.max_rss});
}

/// Whom the command leaves behind is our child by now; others are told when they end.
void Attempt::tell_orphans() {
  for (const auto& [pid, parent] : sys::descendants_of(::getpid())) {
    if (parent == ::getpid()) tell_orphan(pid);
  }
}

void Attempt::tell_orphan(pid_t pid) {
  if (!orphans_.insert(pid).second) return;
  const auto us = sys::process_stat(::getpid());
  emit({.type = Type::Orphan,
        .pid = pid,
        .ppid = ::getpid(),
        .text = us ? us->name : "[not in /proc]"});
}

/// The command decides when the job ends; what it left behind decides how long that takes.
void Attempt::settle() {
  auto& deadlines = course_.deadlines;
  if (!children_) {
    over_ = true;
  } else if (gives_up_ && (*gives_up_ <= Clock::now() ||
                           (stop_.killing() && !stop_.refused().empty() && !alive_))) {
    give_up();
  } else if (!alive_ && !stopping_ && policy_.leftovers != Leftovers::Wait &&
             !deadlines.is_set(Deadlines::Leftovers)) {
    if (!policy_.lingers) return deal_with_leftovers();
    deadlines.set(Deadlines::LeftoversAtMost, Clock::now() + kLingerMost);
    linger();
  } else if (!alive_ && policy_.foreground && stop_.begun() && !dealt_with_leftovers_) {
    deal_with_leftovers();
  }
}

/// All that it wrote is passed on; what still lies in its pipes first, or it would be lost to a
/// slow reader.
bool Attempt::wound_up() {
  if (output_.wind_up()) return true;
  if (!course_.cancelled) return false;
  if (!patience_) patience_ = Clock::now() + kPatience;
  return *patience_ <= Clock::now();
}

/// Another user's by now, or asleep in the kernel: beyond our reach.
void Attempt::give_up() {
  name_leaks();
  outcome_.left_behind = true;
  over_ = true;
  if (!alive_) return;
  outcome_.kind = Outcome::Kind::Lost;
  outcome_.why = "process " + std::to_string(outcome_.pid) + " cannot be killed by us";
}

void Attempt::linger() {
  const auto at_most = course_.deadlines.at(Deadlines::LeftoversAtMost);
  course_.deadlines.set(Deadlines::Leftovers, *sys::earlier(at_most, Clock::now() + kLinger));
}

void Attempt::deal_with_leftovers() {
  dealt_with_leftovers_ = true;
  switch (policy_.leftovers) {
    case Leftovers::Fail:
      outcome_.fault = Outcome::Fault::Leak;
      [[fallthrough]];
    case Leftovers::Stop:
      name_leaks();
      return begin_stop(Outcome::Kind::Ended, policy_.stop, false);
    case Leftovers::Warn:
      name_leaks();
      [[fallthrough]];
    case Leftovers::Ignore:
    case Leftovers::Wait:
      outcome_.left_behind = true;
      over_ = true;
  }
}

void Attempt::name_leaks() {
  const bool lives_on = policy_.leftovers == Leftovers::Warn || gives_up_;
  for (const auto& [pid, parent] : sys::descendants_of(::getpid())) {
    emit({.type = Type::Leak,
          .pid = pid,
          .ppid = parent,
          .status = lives_on ? 1 : 0,
          .text = sys::command_of(pid)});
  }
}

Supervised Attempt::conclude() {
  for (const auto kind : {Deadlines::NextStep, Deadlines::Leftovers, Deadlines::LeftoversAtMost}) {
    course_.deadlines.clear(kind);
  }
  if (output_.too_much()) emit({.type = Type::Dropped, .pid = outcome_.pid});
  const ExitStatus status = outcome_.status;
  outcome_.accepted = status.exited() ? holds(policy_.ok_codes, status.code())
                                      : holds(policy_.ok_signals, status.term_signal());
  // It may have ended before we could end it: which of the two it was is chance.
  if (outcome_.kind == Outcome::Kind::Ended && policy_.output.end_at_most && output_.too_much()) {
    outcome_.fault = Outcome::Fault::Output;
  }
  if (policy_.output.fail_on_stderr && output_.wrote_stderr() &&
      outcome_.fault == Outcome::Fault::None) {
    outcome_.fault = Outcome::Fault::Stderr;
  }
  return {std::move(outcome_), output_.finish()};
}

/// For the way out by exception.
void Attempt::clean_up() noexcept {
  try {
    while (children_) {
      kill_tree();
      reap();
      if (children_) sys::poll_until({}, Clock::now() + std::chrono::milliseconds{50});
    }
  } catch (const std::exception&) {
    // The reason that is already on its way says more.
  }
}

}  // namespace procrun::job
