#include "sys/process_id.h"

#include <poll.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "sys/pidfd.h"
#include "sys/poller.h"
#include "sys/proc.h"
#include "sys/slurp.h"

namespace procrun::sys {
namespace {

constexpr auto kPidfsMagic = 0x50494446;  // PID_FS_MAGIC, which Debian 12's headers do not have

std::uint64_t start_time_of(pid_t pid) {
  const auto stat = process_stat(pid);
  return stat ? stat->start_time : 0;
}

}  // namespace

std::uint64_t pidfd_inode(const Fd& pidfd) {
  struct statfs system {};
  struct stat status {};
  if (::fstatfs(pidfd.get(), &system) == -1 || system.f_type != kPidfsMagic) return 0;
  return ::fstat(pidfd.get(), &status) == 0 ? status.st_ino : 0;
}

ProcessId identify(pid_t pid) {
  const auto pidfd = open_pidfd(pid);
  return {pid, start_time_of(pid), pidfd ? pidfd_inode(*pidfd) : 0};
}

std::optional<Fd> open_process(const ProcessId& id) {
  if (id.pid <= 0) return std::nullopt;
  auto pidfd = open_pidfd(id.pid);
  if (!pidfd) return std::nullopt;
  const std::uint64_t inode = id.inode != 0 ? pidfd_inode(*pidfd) : 0;
  if (inode != 0) return inode == id.inode ? std::move(pidfd) : std::nullopt;
  // Read while the pidfd is held, yet the process may be reaped and its number given away between:
  // then the pidfd is of the old one, which the start time of a new one does not fit.
  if (id.start_time == 0 || start_time_of(id.pid) != id.start_time) return std::nullopt;
  return pidfd;
}

bool has_ended(const Fd& pidfd) {
  pollfd ended{.fd = pidfd.get(), .events = POLLIN, .revents = 0};
  return poll_until({&ended, 1}, Clock::now());
}

bool is_alive(const ProcessId& id) {
  const auto pidfd = open_process(id);
  return pidfd && !has_ended(*pidfd);
}

std::string boot_id() {
  std::string text = slurp("/proc/sys/kernel/random/boot_id");
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string pid_namespace() {
  char text[64];
  const ssize_t size = ::readlink("/proc/self/ns/pid", text, sizeof text);
  return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

}  // namespace procrun::sys
