#include "job/supervise.h"

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
namespace {

using event::Event;
using event::Type;
using sys::Clock;

/// What a command leaves behind when it ends by itself may end by itself too: so long it may take,
/// anew for each piece of output, and so long at the most.
constexpr auto kLinger = std::chrono::milliseconds{100};
constexpr auto kLingerMost = std::chrono::seconds{2};
/// Between two sweeps over a tree that has been killed and is not gone.
constexpr auto kSweepAgain = std::chrono::milliseconds{50};
/// For a tree whose caller is gone.
constexpr auto kAbandonedGrace = std::chrono::milliseconds{500};

class Supervision {
 public:
  Supervision(const Job& job, const Policy& policy, Context& context)
      : job_{job}, policy_{policy}, context_{context}, capture_{context.spill(), job.tag} {}

  Supervised run();
  void clean_up() noexcept;

 private:
  bool start();
  void obey();
  void obey(const Order& order);
  void sleep();
  void reap();
  void note(pid_t pid, ExitStatus status, const rusage& usage);
  void settle();
  void linger();
  void name_leaks();

  void begin_stop(Outcome::Kind why, StopPlan plan, bool group_has_it);
  void stop_step(bool group_has_it);
  void on_deadlines();
  sys::Deadline nearest_deadline() const;

  void emit(Event event) {
    event.seq = job_.seq;
    context_.emit(event);
  }

  const Job& job_;
  const Policy& policy_;
  Context& context_;
  Capture capture_;

  Outcome outcome_;
  Clock::time_point started_ = Clock::now();
  bool alive_ = false;     // the command has not been reaped
  bool children_ = false;  // somebody of the tree has not been reaped
  bool done_ = false;

  std::optional<Outcome::Kind> stopping_;
  StopPlan plan_;
  std::size_t step_ = 0;
  std::vector<pid_t> refused_;

  sys::Deadline time_is_up_;
  sys::Deadline next_step_;
  sys::Deadline linger_until_;
  sys::Deadline linger_at_most_;
};

Supervised Supervision::run() {
  obey();  // a job may be cancelled before it begins
  if (stopping_ || !start()) return {std::move(outcome_), {}};
  while (!done_) {
    sleep();
    obey();
    reap();
    settle();
    on_deadlines();
  }
  if (policy_.capture) capture_.drain();
  return {std::move(outcome_), policy_.capture ? capture_.finish() : Captured{}};
}

bool Supervision::start() {
  Command command{.argv = job_.argv};
  command.in = policy_.in;
  command.group = policy_.group;
  command.parent_death_signal = policy_.parent_death_signal;
  command.signals = policy_.signals;
  if (policy_.capture) {
    capture_.open();
    command.out = capture_.command_end(1);
    command.err = capture_.command_end(2);
  }
  if (context_.listens()) emit({.type = Type::JobStart, .pid = ::getpid()});
  started_ = Clock::now();
  try {
    outcome_.pid = command.start();
  } catch (const SpawnError& error) {
    outcome_.kind = Outcome::Kind::CouldNotStart;
    outcome_.code = error.exit_code();
    outcome_.why = error.what();
    return false;
  }
  alive_ = children_ = true;
  capture_.close_command_ends();
  if (context_.listens()) {
    emit({.type = Type::Exec, .pid = outcome_.pid, .ppid = ::getpid()});
  }
  if (policy_.timeout) time_is_up_ = started_ + *policy_.timeout;
  return true;
}

/// The one wait. What has come is taken in: orders first, then output.
void Supervision::sleep() {
  const auto inbox = context_.inbox();
  std::array<pollfd, 4> fds{};
  std::size_t count = 0;
  for (const int fd : inbox) fds[count++] = {.fd = fd, .events = POLLIN, .revents = 0};
  if (policy_.capture) {
    for (const int stream : {1, 2}) fds[count++] = capture_.watch(stream);
  }
  const auto flush_by = context_.flush_by();
  sys::poll_until({fds.data(), count}, sys::earlier(nearest_deadline(), flush_by));
  if (flush_by && *flush_by <= Clock::now()) context_.flush();

  const std::size_t heard = inbox.size();
  for (std::size_t i = 0; i < heard; ++i) {
    if (fds[i].revents != 0) context_.hear(i);
  }
  for (std::size_t i = heard; i < count; ++i) {
    if (fds[i].revents == 0) continue;
    const bool something = capture_.read(static_cast<int>(i - heard) + 1);
    if (something && linger_until_) linger();
  }
}

void Supervision::obey() {
  while (const auto order = context_.next_order()) obey(*order);
}

void Supervision::obey(const Order& order) {
  switch (order.kind) {
    case Order::Kind::Forward:
      // Unreaped, so the number is its own. One that may not be signalled is not ours to judge.
      if (alive_ && !order.group_has_it) ::kill(outcome_.pid, order.signal);
      return;
    case Order::Kind::Stop: {
      StopPlan plan = policy_.stop;
      if (stopping_) plan = {{SIGKILL, {}}};
      if (order.signal != 0) plan.front().signal = order.signal;
      return begin_stop(Outcome::Kind::Cancelled, std::move(plan), order.group_has_it);
    }
    case Order::Kind::Abandon:
      return begin_stop(Outcome::Kind::Cancelled, {{SIGTERM, kAbandonedGrace}, {SIGKILL, {}}},
                        false);
  }
}

void Supervision::begin_stop(Outcome::Kind why, StopPlan plan, bool group_has_it) {
  if (!stopping_) {
    stopping_ = why;
    if (alive_ || outcome_.pid == 0) outcome_.kind = why;
  }
  plan_ = std::move(plan);
  step_ = 0;
  time_is_up_.reset();
  linger_until_.reset();
  if (children_) stop_step(group_has_it);
}

void Supervision::stop_step(bool group_has_it) {
  const StopStep step = plan_.at(step_);
  const bool kill = step.signal == SIGKILL;
  refused_ = kill ? kill_tree() : signal_tree(step.signal, group_has_it ? ::getpgrp() : 0);
  // A stopped process acts on nothing but KILL and CONT.
  if (!kill) signal_tree(SIGCONT);
  if (kill && alive_) outcome_.killed = true;
  emit({.type = Type::Signal, .pid = outcome_.pid, .status = step.signal});
  // The last step is repeated until it has worked: one that was being born escapes a sweep.
  next_step_ = Clock::now() + (kill ? sys::Duration{kSweepAgain} : step.wait);
}

void Supervision::on_deadlines() {
  const auto now = Clock::now();
  if (time_is_up_ && *time_is_up_ <= now && !stopping_) {
    emit({.type = Type::Timeout, .pid = outcome_.pid, .duration = *policy_.timeout});
    begin_stop(Outcome::Kind::TimedOut, policy_.stop, false);
  }
  if (next_step_ && *next_step_ <= now) {
    if (step_ + 1 < plan_.size()) ++step_;
    stop_step(false);
  }
  if (linger_until_ && *linger_until_ <= now) {
    name_leaks();
    begin_stop(Outcome::Kind::Ended, policy_.stop, false);
  }
}

sys::Deadline Supervision::nearest_deadline() const {
  return sys::earlier(sys::earlier(time_is_up_, next_step_), linger_until_);
}

/// SIGCHLD does not count: everyone who has ended is reaped, whoever it was that woke us.
void Supervision::reap() {
  for (;;) {
    siginfo_t peek{};
    std::string name;
    if (context_.listens() && ::waitid(P_ALL, 0, &peek, WEXITED | WNOHANG | WNOWAIT) == 0 &&
        peek.si_pid != 0 && peek.si_pid != outcome_.pid) {
      name = sys::command_of(peek.si_pid);  // known only until it is reaped
    }
    int status = 0;
    rusage usage{};
    const pid_t pid = ::wait4(-1, &status, WNOHANG | WUNTRACED | WCONTINUED, &usage);
    if (pid == 0) return;
    if (pid == -1) {
      if (errno != ECHILD) sys::fail("wait4");
      children_ = false;
      return;
    }
    note(pid, ExitStatus{status}, usage);
    if (!name.empty() && pid == peek.si_pid) {
      emit({.type = Type::Reap, .pid = pid, .status = status, .text = name});
    }
  }
}

void Supervision::note(pid_t pid, ExitStatus status, const rusage& usage) {
  if (pid != outcome_.pid || !alive_) return;
  if (status.stopped()) {
    emit({.type = Type::Stopped, .pid = pid, .status = status.raw()});
  }
  if (status.stopped() || status.continued()) return;
  alive_ = false;
  time_is_up_.reset();
  outcome_.status = status;
  outcome_.usage = usage;
  outcome_.duration = Clock::now() - started_;
}

/// The command decides when the job ends; what it left behind decides how long that takes.
void Supervision::settle() {
  if (!children_) {
    done_ = true;
  } else if (!alive_ && !stopping_ && !linger_until_ && policy_.leftovers == Leftovers::Stop) {
    linger_at_most_ = Clock::now() + kLingerMost;
    linger();
  } else if (!alive_ && !refused_.empty() && plan_.at(step_).signal == SIGKILL) {
    name_leaks();  // not ours to kill: another user's by now
    done_ = true;
  }
}

void Supervision::linger() {
  linger_until_ = sys::earlier(linger_at_most_, Clock::now() + kLinger);
}

void Supervision::name_leaks() {
  for (const auto& [pid, parent] : sys::descendants_of(::getpid())) {
    emit({.type = Type::Leak, .pid = pid, .ppid = parent, .text = sys::command_of(pid)});
  }
}

/// For the way out by exception.
void Supervision::clean_up() noexcept {
  try {
    while (children_) {
      kill_tree();
      reap();
      if (children_) sys::poll_until({}, Clock::now() + kSweepAgain);
    }
  } catch (const std::exception&) {
    // The reason that is already on its way says more.
  }
}

}  // namespace

Supervised supervise(const Job& job, const Policy& policy, Context& context) {
  Supervision supervision{job, policy, context};
  try {
    return supervision.run();
  } catch (...) {
    supervision.clean_up();
    throw;
  }
}

}  // namespace procrun::job
