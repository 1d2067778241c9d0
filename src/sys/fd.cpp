#include "sys/fd.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdlib>

#include "sys/error.h"

namespace procrun::sys {

void Fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Pipe make_pipe(PipeMode mode) {
  int ends[2];
  const int flags = O_CLOEXEC | (mode == PipeMode::Packets ? O_DIRECT : 0);
  if (::pipe2(ends, flags) == -1) fail("pipe2");
  return {Fd{ends[0]}, Fd{ends[1]}};
}

Fd open(const std::string& path, int flags, unsigned mode) {
  return Fd{retry(path, [&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); })};
}

Fd duplicate(int fd) {
  const int copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (copy == -1) fail("duplicate descriptor " + std::to_string(fd));
  return Fd{copy};
}

Fd open_temporary() {
  const char* const set = std::getenv("TMPDIR");
  const std::string directory = set != nullptr && *set != '\0' ? set : "/tmp";
  const int fd = ::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd != -1) return Fd{fd};
  std::string path = directory + "/procrun-XXXXXX";  // a file system without O_TMPFILE
  Fd file{::mkostemp(path.data(), O_CLOEXEC)};
  if (!file) fail("make a temporary file in " + directory);
  ::unlink(path.c_str());
  return file;
}

Fd always_readable() {
  Fd counter{::eventfd(1, EFD_CLOEXEC)};
  if (!counter) fail("eventfd");
  return counter;
}

void set_nonblocking(int fd, int other_flags) {
  if (::fcntl(fd, F_SETFL, O_NONBLOCK | other_flags) == -1) fail("fcntl O_NONBLOCK");
}

void occupy_closed_stdio() {
  for (int fd = 0; fd < 3; ++fd) {
    if (::fcntl(fd, F_GETFD) != -1 || errno != EBADF) continue;
    // The lowest free number is `fd` itself: those below it are taken by now. It is not
    // close-on-exec, so that a command finds its standard descriptors taken as well.
    if (::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) == -1) fail("/dev/null");
  }
}

}  // namespace procrun::sys
