#include "process/child_limit.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "sys/proc.h"

namespace procrun {
namespace {

std::string reason(const char* call) {
  return std::string{call} + ": " + std::error_code{errno, std::generic_category()}.message();
}

/// Becomes a user whom no process has; false, with errno, where that is not allowed.
bool become_unused_user() {
  // Below the ranges that systemd and containers give out, else, where such a user is not mapped
  // into our namespace, where Debian has none.
  constexpr std::array<uid_t, 2> kFirst{400'000, 64'000};
  constexpr uid_t kMany = 900;
  for (const uid_t first : kFirst) {
    const uid_t user = first + static_cast<uid_t>(::getpid()) % kMany;
    if (sys::count_threads_of(user) != 0) continue;
    if (::setresuid(user, user, user) == 0) return true;
    if (errno != EINVAL) return false;
  }
  return false;
}

bool can_fork_under(std::uint64_t limit, rlim_t hard) {
  const rlimit soft{.rlim_cur = limit, .rlim_max = hard};
  if (::setrlimit(RLIMIT_NPROC, &soft) == -1) return false;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return pid > 0;
}

/// So many threads the kernel counts for us, this one too, by trial: one less than the least limit
/// under which a fork succeeds. What /proc shows may be of other namespaces, or less than all.
std::uint64_t counted_threads() {
  rlimit given{};
  ::getrlimit(RLIMIT_NPROC, &given);
  std::uint64_t fails = 0;
  std::uint64_t succeeds =
      std::min<rlim_t>(given.rlim_max, 1U << 22);  // the most pids there can be
  while (succeeds - fails > 1) {
    const std::uint64_t middle = fails + (succeeds - fails) / 2;
    (can_fork_under(middle, given.rlim_max) ? succeeds : fails) = middle;
  }
  return succeeds - 1;
}

}  // namespace

ChildLimit limit_children(std::uint64_t most) {
  ChildLimit limit;
  limit.user = ::getuid();
  std::string why;
  if (::geteuid() == 0 && become_unused_user()) {
    limit.way = ChildLimit::Way::UnusedUser;
    limit.user = ::getuid();
  } else {
    if (::geteuid() == 0) why = reason("setresuid") + "; ";
    if (::unshare(CLONE_NEWUSER) == 0) {
      limit.way = ChildLimit::Way::UserNamespace;
    } else {
      why += reason("unshare CLONE_NEWUSER") + "; ";
      limit.way = ChildLimit::Way::CountedUser;
      limit.others = std::max<std::uint64_t>(counted_threads(), 1) - 1;
    }
  }
  limit.processes = limit.others + 1 + most;
  const rlimit both{.rlim_cur = limit.processes, .rlim_max = limit.processes};
  if (::setrlimit(RLIMIT_NPROC, &both) == 0) return limit;
  return {.why = why + reason("setrlimit RLIMIT_NPROC")};
}

}  // namespace procrun
