#include "job/feed.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kPiece = 64 * 1024;  // and what a pipe holds
constexpr int kLargePipe = 1024 * 1024;

}  // namespace

Feed::Feed(int source) : source_{source}, start_{::lseek(source, 0, SEEK_CUR)} {
  // A terminal, and a device such as /dev/null, is given as it is: it has nothing to come back to.
  struct stat status {};
  if (start_ == -1 && ::fstat(source, &status) == 0 && S_ISCHR(status.st_mode)) start_ = 0;
}

Feed::Feed(const sys::Extent& source) : extent_{source}, ended_{true} {}

int Feed::begin() {
  if (start_ != -1) {
    ::lseek(source_, start_, SEEK_SET);
    return source_;
  }
  if (kept() == -1) kept_ = sys::open_temporary();
  auto [read, write] = sys::make_pipe();
  command_end_ = std::move(read);
  our_end_ = std::move(write);
  sys::set_nonblocking(our_end_.get());
  passed_ = 0;
  if (!ended_) return command_end_.get();
  if (extent_.length > kPiece) ::fcntl(our_end_.get(), F_SETPIPE_SZ, kLargePipe);  // if we may
  pass_on();
  return command_end_.get();
}

std::size_t Feed::watch(std::span<pollfd> fds) const {
  if (!our_end_) return 0;
  if (passed_ < extent_.length) {
    fds[0] = {.fd = our_end_.get(), .events = POLLOUT, .revents = 0};
  } else {
    fds[0] = {.fd = source_, .events = POLLIN, .revents = 0};
  }
  return 1;
}

void Feed::serve(std::span<const pollfd> fds) {
  if (!our_end_ || fds.empty() || fds[0].revents == 0) return;
  if (passed_ == extent_.length && !ended_) take_in();
  pass_on();
}

void Feed::take_in() {
  std::array<char, kPiece> piece;
  const ssize_t size = sys::retry("read standard input",
                                  [&] { return ::read(source_, piece.data(), piece.size()); });
  ended_ = size == 0;
  for (ssize_t done = 0; done < size;) {
    done += sys::retry("keep standard input in a temporary file", [&] {
      return ::pwrite(kept_.get(), piece.data() + done, static_cast<std::size_t>(size - done),
                      static_cast<off_t>(extent_.length) + done);
    });
  }
  extent_.length += static_cast<std::uint64_t>(size);
}

void Feed::pass_on() {
  while (passed_ < extent_.length) {
    const auto moved = move(extent_.length - passed_);
    if (moved == -1 && (errno == EAGAIN || errno == EINTR)) return;
    if (moved == -1 && errno == EPIPE) return our_end_.reset();  // it does not want any more
    if (moved == -1) sys::fail("feed a command's standard input");
    if (moved == 0) sys::fail("feed a command's standard input: it has become shorter", EIO);
    passed_ += static_cast<std::uint64_t>(moved);
  }
  if (ended_) our_end_.reset();
}

/// From the file into the pipe, without a copy where that can be done. As write(2) has it.
std::int64_t Feed::move(std::uint64_t most) {
  auto from = static_cast<off_t>(extent_.offset + passed_);
  if (can_splice_) {
    const auto moved = ::splice(kept(), &from, our_end_.get(), nullptr, most, SPLICE_F_NONBLOCK);
    if (moved != -1 || (errno != EINVAL && errno != ENOSYS)) return moved;
    can_splice_ = false;
  }
  std::array<char, kPiece> piece;
  const ssize_t got = sys::retry("read kept standard input", [&] {
    return ::pread(kept(), piece.data(), std::min<std::uint64_t>(most, piece.size()), from);
  });
  if (got == 0) return 0;
  return ::write(our_end_.get(), piece.data(), static_cast<std::size_t>(got));
}

}  // namespace procrun::job
