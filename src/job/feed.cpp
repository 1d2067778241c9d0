#include "job/feed.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

}  // namespace

Feed::Feed(int source) : source_{source}, start_{::lseek(source, 0, SEEK_CUR)} {
  // A terminal, and a device such as /dev/null, is given as it is: it has nothing to come back to.
  struct stat status {};
  if (start_ == -1 && ::fstat(source, &status) == 0 && S_ISCHR(status.st_mode)) start_ = 0;
}

int Feed::begin() {
  if (start_ != -1) {
    ::lseek(source_, start_, SEEK_SET);
    return source_;
  }
  if (!kept_) kept_ = sys::open_temporary();
  auto [read, write] = sys::make_pipe();
  command_end_ = std::move(read);
  our_end_ = std::move(write);
  sys::set_nonblocking(our_end_.get());
  passed_ = 0;
  return command_end_.get();
}

std::size_t Feed::watch(std::span<pollfd> fds) const {
  if (!our_end_) return 0;
  if (passed_ < kept_size_) {
    fds[0] = {.fd = our_end_.get(), .events = POLLOUT, .revents = 0};
  } else {
    fds[0] = {.fd = source_, .events = POLLIN, .revents = 0};
  }
  return 1;
}

void Feed::serve(std::span<const pollfd> fds) {
  if (!our_end_ || fds.empty() || fds[0].revents == 0) return;
  if (passed_ == kept_size_ && !ended_) take_in();
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
                      static_cast<off_t>(kept_size_) + done);
    });
  }
  kept_size_ += static_cast<std::uint64_t>(size);
}

void Feed::pass_on() {
  std::array<char, kPiece> piece;
  while (passed_ < kept_size_) {
    const auto left = std::min<std::uint64_t>(kept_size_ - passed_, piece.size());
    const ssize_t got = sys::retry("read kept standard input", [&] {
      return ::pread(kept_.get(), piece.data(), left, static_cast<off_t>(passed_));
    });
    const ssize_t size = ::write(our_end_.get(), piece.data(), static_cast<std::size_t>(got));
    if (size == -1 && (errno == EAGAIN || errno == EINTR)) return;
    if (size == -1) return our_end_.reset();  // it does not want any more (EPIPE)
    passed_ += static_cast<std::uint64_t>(size);
  }
  if (ended_) our_end_.reset();
}

}  // namespace procrun::job
