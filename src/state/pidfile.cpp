#include "state/pidfile.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>

#include "sys/error.h"
#include "sys/slurp.h"

namespace procrun::state {
namespace {

/// "/run/.web.pid" + ending for "/run/web.pid".
std::string beside(const std::string& path, const char* ending) {
  const auto slash = path.rfind('/') + 1;  // 0 where there is none
  return path.substr(0, slash) + '.' + path.substr(slash) + ending;
}

bool lock(const sys::Fd& file, const std::string& path) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0) return true;
  if (errno != EWOULDBLOCK) sys::fail("lock " + path);
  return false;
}

/// Whether `path` still names the open file: its owner may have removed it meanwhile.
bool names(const std::string& path, const sys::Fd& file) {
  struct stat at {};
  struct stat open {};
  return ::lstat(path.c_str(), &at) == 0 && ::fstat(file.get(), &open) == 0 &&
         at.st_dev == open.st_dev && at.st_ino == open.st_ino;
}

/// By another tool, that locks its pidfile alone.
bool is_locked(const std::string& path) {
  const sys::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  return file && !lock(file, path);
}

}  // namespace

PidFile::PidFile(std::string path, sys::Fd lock)
    : path_{std::move(path)}, lock_path_{beside(path_, ".lock")}, lock_{std::move(lock)} {}

std::optional<PidFile> PidFile::take(const std::string& path) {
  const std::string lock_path = beside(path, ".lock");
  for (;;) {
    sys::Fd file = sys::open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW, 0644);
    if (!lock(file, lock_path)) return std::nullopt;
    if (!names(lock_path, file)) continue;  // the job before it has just ended
    if (!is_locked(path)) return PidFile{path, std::move(file)};
    ::unlink(lock_path.c_str());
    return std::nullopt;
  }
}

pid_t PidFile::read(const std::string& path) {
  const std::string text = sys::slurp(path);
  pid_t pid = 0;
  std::from_chars(text.data(), text.data() + text.size(), pid);
  return pid > 0 ? pid : 0;
}

void PidFile::publish(pid_t pid) {
  const std::string fresh = beside(path_, ".new");
  ::unlink(fresh.c_str());  // of one who was killed here; we have the lock
  file_ = sys::open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0644);
  const std::string text = std::to_string(pid) + '\n';
  lock(file_, fresh);
  const auto size =
      sys::retry("write " + fresh, [&] { return ::write(file_.get(), text.data(), text.size()); });
  if (static_cast<std::size_t>(size) != text.size()) sys::fail("write " + fresh, ENOSPC);
  if (::rename(fresh.c_str(), path_.c_str()) == -1) sys::fail("write " + path_);
}

void PidFile::unpublish() noexcept {
  if (file_ && names(path_, file_)) ::unlink(path_.c_str());
  file_.reset();
}

void PidFile::leave() noexcept {
  unpublish();
  if (lock_ && names(lock_path_, lock_)) ::unlink(lock_path_.c_str());
  lock_.reset();
}

}  // namespace procrun::state
