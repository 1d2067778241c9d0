#pragma once
// Who owns a descriptor is written in its type: an Fd closes it, an int only borrows it.
#include <string>
#include <utility>

namespace procrun::sys {

/// An open descriptor, closed when its owner goes. Move-only; empty when it holds none.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_{fd} {}
  Fd(Fd&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~Fd() { reset(); }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /// Closes now. close(2) is not repeated on EINTR: on Linux the descriptor is gone either way.
  void reset() noexcept;
  /// Gives the descriptor up without closing it.
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

/// The two ends of a pipe.
struct Pipe {
  Fd read;
  Fd write;
};

/// A pipe, both ends close-on-exec and blocking, each an open file description of its own. With
/// `packets` what is written in one piece of up to PIPE_BUF bytes is read in one piece (O_DIRECT).
enum class PipeMode { Stream, Packets };
Pipe make_pipe(PipeMode mode = PipeMode::Stream);

/// open(2) with O_CLOEXEC; throws with `path` in the text.
Fd open(const std::string& path, int flags, unsigned mode = 0666);

/// A close-on-exec copy of `fd` with a number of 3 or more.
Fd duplicate(int fd);

/// A new file without a name in $TMPDIR (else /tmp), for reading and writing: it is gone when its
/// last descriptor is, however the process ends.
Fd open_temporary();

/// A descriptor that is always readable: for whoever would wait, but has something to do.
Fd always_readable();

/// Sets O_NONBLOCK on a pipe's end that procrun made itself (never on a description that it was
/// given: the flag is shared with everyone who holds it).
void set_nonblocking(int fd, int other_flags = 0);

/// Opens /dev/null on those of 0, 1 and 2 that the caller left closed, in the direction in which
/// using them fails (EBADF) as it would have, so that no later file lands on these numbers.
void occupy_closed_stdio();

}  // namespace procrun::sys
