#include "process/exec_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sanitizer/asan_interface.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>

// The law: async-signal-safe calls only (signal-safety(7)); no heap, no locks, no throw, no
// return. The memory is the parent's: what is written here, it reads.

namespace procrun {
namespace {

[[noreturn]] void give_up(ExecPlan& plan, SpawnStep step) noexcept {
  plan.error = errno;
  plan.failed_step = step;
  ::_exit(127);
}

bool set_disposition(const sigset_t& signals, void (*handler)(int)) noexcept {
  if (::sigisemptyset(&signals) == 1) return true;
  struct sigaction action {};
  action.sa_handler = handler;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (::sigismember(&signals, signal) == 1 && ::sigaction(signal, &action, nullptr) == -1) {
      return false;
    }
  }
  return true;
}

bool join_group(ExecPlan::Group group) noexcept {
  switch (group) {
    case ExecPlan::Group::Same:
      return true;
    case ExecPlan::Group::Own:
      return ::setpgid(0, 0) == 0;
    case ExecPlan::Group::Session:
      return ::setsid() != -1;
  }
  return true;
}

/// TTOU, which it would get in the background, is blocked like all signals.
bool take_terminal(const ExecPlan& plan) noexcept {
  if (plan.terminal == -1 || plan.group == ExecPlan::Group::Same) return true;
  if (plan.group == ExecPlan::Group::Session) return ::ioctl(plan.terminal, TIOCSCTTY, 0) == 0;
  return ::tcsetpgrp(plan.terminal, ::getpid()) == 0;
}

bool ask_for_parent_death(const ExecPlan& plan) noexcept {
  if (plan.parent_death_signal == 0) return true;
  if (::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal) == -1) return false;
  // It may have died before we asked; then nobody will tell us any more.
  if (::getppid() != plan.parent) ::_exit(127);
  return true;
}

bool place_stdio(const ExecPlan& plan) noexcept {
  for (int fd = 0; fd < 3; ++fd) {
    if (plan.stdio[fd] != -1 && ::dup2(plan.stdio[fd], fd) == -1) return false;
  }
  return true;
}

/// Marks all from 3 on but the kept ones close-on-exec: the gaps between those.
bool close_others(const ExecPlan& plan) noexcept {
  unsigned from = 3;
  for (std::size_t i = 0; i <= plan.kept_count; ++i) {
    const bool last = i == plan.kept_count;
    const unsigned kept = last ? 0 : static_cast<unsigned>(plan.kept[i]);
    const unsigned to = last ? ~0U : kept - 1;
    if (from <= to && ::syscall(SYS_close_range, from, to, CLOSE_RANGE_CLOEXEC) == -1) return false;
    from = kept + 1;
  }
  return true;
}

bool set_limits(const Place& place) noexcept {
  for (const Limit& limit : place.limits) {
    const auto resource = static_cast<__rlimit_resource>(limit.resource);
    if (::setrlimit(resource, &limit.value) == -1) return false;
  }
  return true;
}

bool set_oom_score(const Place& place) noexcept {
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd == -1) return false;
  const std::size_t size = place.oom_score_adj.size();
  const bool written = ::write(fd, place.oom_score_adj.data(), size) == static_cast<ssize_t>(size);
  ::close(fd);
  return written;
}

/// By the bare calls: the library's would look for other threads, in memory that is the parent's.
bool become(const User& user) noexcept {
  return ::syscall(SYS_setgroups, user.groups.size(), user.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, user.gid, user.gid, user.gid) == 0 &&
         ::syscall(SYS_setresuid, user.uid, user.uid, user.uid) == 0;
}

/// What may need our rights comes before we give them up.
void take_place(ExecPlan& plan, const Place& place) noexcept {
  if (!set_limits(place)) give_up(plan, SpawnStep::Limits);
  if (place.cpus && ::sched_setaffinity(0, sizeof *place.cpus, &*place.cpus) == -1) {
    give_up(plan, SpawnStep::Cpus);
  }
  if (place.nice && ::setpriority(PRIO_PROCESS, 0, *place.nice) == -1) {
    give_up(plan, SpawnStep::Nice);
  }
  if (!place.oom_score_adj.empty() && !set_oom_score(place)) give_up(plan, SpawnStep::OomScore);
  if (place.umask) ::umask(*place.umask);
  if (place.user && !become(*place.user)) give_up(plan, SpawnStep::User);
}

[[noreturn]] void execute(ExecPlan& plan) noexcept {
  int error = ENOENT;
  char** const argv = plan.script_argv + 1;
  char* const name = argv[0];
  for (auto path = plan.candidates; *path != nullptr; ++path) {
    ::execve(*path, argv, plan.envp);
    if (errno == ENOEXEC) {  // as execvp(3): a script for sh
      argv[0] = *path;
      ::execve(plan.script_argv[0], plan.script_argv, plan.envp);
      argv[0] = name;
    }
    // The first telling error: "not executable" here says more than "not there" further on.
    if (error == ENOENT && errno != ENOTDIR) error = errno;
  }
  errno = error;
  give_up(plan, SpawnStep::Exec);
}

int run_child(void* argument) {
  auto& plan = *static_cast<ExecPlan*>(argument);
  // Nothing is unblocked while a handler of the parent could still run in its memory.
  if (!set_disposition(plan.caught, SIG_DFL) || !set_disposition(plan.ignored, SIG_IGN)) {
    give_up(plan, SpawnStep::Signals);
  }
  if (!join_group(plan.group)) give_up(plan, SpawnStep::Group);
  if (!take_terminal(plan)) give_up(plan, SpawnStep::Terminal);
  if (!place_stdio(plan)) give_up(plan, SpawnStep::Stdio);
  if (plan.close_others && !close_others(plan)) give_up(plan, SpawnStep::Descriptors);
  if (plan.place != nullptr) take_place(plan, *plan.place);
  if (plan.directory != nullptr && ::chdir(plan.directory) == -1) {
    give_up(plan, SpawnStep::Directory);
  }
  if (plan.place != nullptr && plan.place->no_new_privs &&
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1) {
    give_up(plan, SpawnStep::NoNewPrivs);
  }
  // Last, since a change of user clears it.
  if (!ask_for_parent_death(plan)) give_up(plan, SpawnStep::ParentDeath);
  if (::sigprocmask(SIG_SETMASK, &plan.mask, nullptr) == -1) give_up(plan, SpawnStep::Signals);
  execute(plan);
}

}  // namespace

pid_t start_child(ExecPlan& plan, int* pidfd) noexcept {
  plan.error = 0;
  // The parent sleeps, so the child may use a piece of its stack.
  alignas(64) std::byte stack[16 * 1024];
  const int flags = CLONE_VM | CLONE_VFORK | SIGCHLD | (pidfd != nullptr ? CLONE_PIDFD : 0);
  const pid_t pid = ::clone(run_child, stack + sizeof stack, flags, &plan, pidfd);
  // The child never returns from its frames, and the sanitizer would go on guarding them.
  ASAN_UNPOISON_MEMORY_REGION(stack, sizeof stack);
  return pid;
}

}  // namespace procrun
