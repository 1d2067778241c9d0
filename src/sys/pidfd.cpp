#include "sys/pidfd.h"

#include <signal.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "sys/error.h"

namespace procrun::sys {
namespace {

// Debian 12's headers are older than the call: linux/pidfd.h of Linux 6.15, its first version.
struct PidfdReply {
  std::uint64_t mask;
  std::uint64_t cgroupid;
  std::uint32_t pid, tgid, ppid;
  std::uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  std::int32_t exit_code;
};
static_assert(sizeof(PidfdReply) == 64);
constexpr std::uint64_t kInfoPid = 1U << 0;
constexpr std::uint64_t kInfoExit = 1U << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, PidfdReply);

}  // namespace

std::optional<Fd> open_pidfd(pid_t pid) {
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd >= 0) return Fd{static_cast<int>(fd)};
  // Of the number of a thread newer kernels say ENOENT, older ones EINVAL.
  const bool is_thread = pid > 0 && (errno == ENOENT || errno == EINVAL);
  if (errno == ESRCH || is_thread) return std::nullopt;
  fail("pidfd_open " + std::to_string(pid));
}

bool send_signal(const Fd& pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  fail("pidfd_send_signal");
}

std::optional<int> exit_status_of(const Fd& pidfd) {
  PidfdReply info{};
  info.mask = kInfoExit;
  if (::ioctl(pidfd.get(), kGetInfo, &info) == -1) return std::nullopt;
  if ((info.mask & kInfoExit) == 0) return std::nullopt;
  return info.exit_code;
}

bool is_reaped(const Fd& pidfd) {
  // Signal 0 is none: it only asks whether there is somebody.
  return ::syscall(SYS_pidfd_send_signal, pidfd.get(), 0, nullptr, 0) == -1 && errno == ESRCH;
}

std::optional<pid_t> parent_of(const Fd& pidfd) {
  PidfdReply info{};
  info.mask = kInfoPid;
  if (::ioctl(pidfd.get(), kGetInfo, &info) == -1) return std::nullopt;
  if ((info.mask & kInfoPid) == 0 || info.pid == 0) return std::nullopt;
  return static_cast<pid_t>(info.ppid);
}

}  // namespace procrun::sys
