#include "engine/init_run.h"

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "engine/own_run.h"
#include "sys/memory.h"
#include "sys/proc.h"
#include "sys/tty.h"

namespace procrun::engine {
namespace {

using Group = Command::Group;

/// Who runs for so long is given the memory of our start back, which takes 0.1 ms.
constexpr auto kSettling = std::chrono::milliseconds{100};

/// What comes is passed on, and the terminal goes to and fro.
class InitContext final : public SignalContext {
 public:
  InitContext(Options options, const event::Bus& bus, sys::Outlet* err,
              const std::map<int, int>& rewrite, bool own_group,
              std::optional<sys::Terminal>& terminal)
      : SignalContext{std::move(options), bus, err},
        rewrite_{rewrite},
        own_group_{own_group},
        terminal_{terminal} {}

  void hear(std::size_t which) override;
  void started(pid_t) override { settles_ = sys::Clock::now() + kSettling; }
  sys::Deadline flush_by() const override { return settles_; }
  void flush() override;
  void changed(pid_t pid, ExitStatus status) override;

 private:
  std::optional<job::Order> order_of(const signalfd_siginfo& info) const;
  void stop_with(pid_t pid, int signal);
  void go_on(pid_t pid);

  const std::map<int, int>& rewrite_;
  bool own_group_;
  std::optional<sys::Terminal>& terminal_;
  sys::Deadline settles_;
};

/// From now on there is little to do, perhaps for months.
void InitContext::flush() {
  settles_.reset();
  sys::forget_program_pages();
}

void InitContext::hear(std::size_t) {
  for (const auto& info : read_signals()) {
    if (const auto order = order_of(info)) add(*order);
  }
}

std::optional<job::Order> InitContext::order_of(const signalfd_siginfo& info) const {
  int signal = static_cast<int>(info.ssi_signo);
  if (signal == SIGCHLD || sys::is_ignored(signal)) return std::nullopt;
  const bool sent_by_us = info.ssi_pid == static_cast<unsigned>(::getpid());
  if (signal == SIGPIPE && sent_by_us) return std::nullopt;  // by writing to stderr
  if (const auto found = rewrite_.find(signal); found != rewrite_.end()) signal = found->second;
  if (signal == 0) return std::nullopt;
  job::Order order{.kind = job::Order::Kind::Forward,
                   .signal = signal,
                   .group_has_it = info.ssi_code == SI_KERNEL && !own_group_};
  if (info.ssi_code == SI_QUEUE) order.value = info.ssi_ptr;
  return order;
}

void InitContext::changed(pid_t pid, ExitStatus status) {
  if (!terminal_) return;
  if (!status.stopped()) {
    if (terminal_->take_back() && status.signaled()) terminal_->restore_settings();
    return;
  }
  const int signal = status.stop_signal();
  // By another signal it was stopped by someone who will also continue it.
  if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) stop_with(pid, signal);
}

void InitContext::stop_with(pid_t pid, int signal) {
  const bool wants_terminal = signal != SIGTSTP;
  // Our shell has put us in the foreground meanwhile, which it does not tell.
  if (wants_terminal && own_group_ && terminal_->is_ours()) return go_on(pid);
  terminal_->take_back();
  // Where nobody could continue us, as for an init, nobody would continue the command either; but
  // who waits for a terminal would only ask for it again and again.
  if (sys::stop_by(signal) || !wants_terminal) go_on(pid);
}

void InitContext::go_on(pid_t pid) {
  if (own_group_) {
    if (terminal_->is_ours()) terminal_->lend(pid);
    ::kill(-pid, SIGCONT);
    return;
  }
  const auto stat = sys::process_stat(pid);  // who continued our group has continued it, too
  if (stat && stat->state == 'T') ::kill(pid, SIGCONT);
}

bool is_pipe(int fd) {
  struct stat stat {};
  return ::fstat(fd, &stat) == 0 && (S_ISFIFO(stat.st_mode) || S_ISSOCK(stat.st_mode));
}

/// Whether the terminal may go to a group of the command's own: nobody else of our group can want
/// it, neither the other end of a pipeline nor the script that has started us.
bool have_terminal_to_ourselves(const sys::Terminal& terminal) {
  return terminal.is_ours() && ::getpgrp() == ::getpid() && !is_pipe(STDIN_FILENO) &&
         !is_pipe(STDOUT_FILENO) && !is_pipe(STDERR_FILENO);
}

/// Chooses the command's group and whether it takes the terminal, as run_as_init() says.
void place(InitPlan& plan, std::optional<sys::Terminal>& terminal) {
  job::Policy& policy = plan.policy;
  policy.group = plan.session ? Group::Session : Group::Own;
  if (!terminal) return;
  if (plan.session) {
    if (::getsid(0) != ::getpid()) return;  // it is our session's, which the command leaves
    terminal->leave();
    policy.terminal = terminal->fd();
  } else if (have_terminal_to_ourselves(*terminal)) {
    terminal->lend();
    policy.terminal = terminal->fd();
  } else if (policy.reach != job::Reach::Group) {
    policy.group = Group::Same;
  }
}

}  // namespace

job::Outcome run_as_init(InitPlan plan, const event::Bus& bus, sys::Outlet* err) {
  auto terminal = sys::Terminal::controlling();
  place(plan, terminal);
  std::optional<sys::Terminal> none;  // of a session of its own we know nothing
  InitContext context{{.text = std::move(plan.text), .signals = sys::every_signal()},
                      bus,
                      err,
                      plan.rewrite,
                      plan.policy.group != Group::Same,
                      plan.session ? none : terminal};
  job::Outcome outcome = run_own(plan.job, plan.policy, plan.name, context);
  if (outcome.kind == job::Outcome::Kind::CouldNotStart && terminal && !plan.session) {
    terminal->take_back();
  }
  return outcome;
}

}  // namespace procrun::engine
