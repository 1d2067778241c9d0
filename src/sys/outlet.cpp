#include "sys/outlet.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "sys/error.h"

namespace procrun::sys {
namespace {

constexpr std::size_t kBatch = 64 * 1024;
/// To the first column, and erase to the end of the line.
constexpr std::string_view kErase = "\r\033[K";
constexpr std::size_t kAtomicWrite = 4096;  // PIPE_BUF: fits where poll(2) says that there is room

/// Whether it ends within a line.
bool ends_in_line(const Extent& extent) {
  char last = 0;
  const auto at = static_cast<off_t>(extent.offset + extent.length - 1);
  return extent.length != 0 && ::pread(extent.fd, &last, 1, at) == 1 && last != '\n';
}

/// Whether both numbers lead to one file; for devices, to one device.
bool are_same(int a, int b) {
  struct stat one {};
  struct stat other {};
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_dev == other.st_dev &&
         one.st_ino == other.st_ino;
}

}  // namespace

Outlet::Outlet(int fd, std::string name) : given_{fd}, name_{std::move(name)} {}

/// With the first write, since most runs write nothing.
void Outlet::find_out_kind() {
  kind_ = Kind::File;
  struct stat status {};
  if (::fstat(given_, &status) == -1) return;  // closed: the write says so
  if (S_ISSOCK(status.st_mode)) {
    kind_ = Kind::Socket;
    return;
  }
  // One that has hung up already is a terminal, too (EIO).
  terminal_ = S_ISCHR(status.st_mode) && (::isatty(given_) == 1 || errno == EIO);
  if (S_ISFIFO(status.st_mode) || terminal_) {
    const std::string path = "/proc/self/fd/" + std::to_string(given_);
    own_ = Fd{::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)};
    kind_ = own_ ? Kind::NonBlocking : Kind::Careful;
  }
}

void Outlet::write(std::string_view bytes) {
  if (broken_ || bytes.empty()) return;
  begin_write();
  in_line_ = bytes.back() != '\n';
  queue(bytes);
}

/// What has to stand before it.
void Outlet::begin_write() {
  erase_footer();
  if (std::exchange(ends_line_, false)) queue("\n");
}

void Outlet::set_footer(std::string_view text) {
  wants_footer_ = true;
  if (broken_ || in_line_) return;
  erase_footer();
  queue(text);
  shows_footer_ = true;
}

void Outlet::erase_footer() {
  if (!shows_footer_) return;
  shows_footer_ = false;
  queue(kErase);
}

void Outlet::queue(std::string_view bytes) {
  if (pieces_.empty() || pieces_.back().extent.fd != -1 || pieces_.back().bytes.size() >= kBatch) {
    pieces_.emplace_back();
  }
  pieces_.back().bytes.append(bytes);
  backlog_ += bytes.size();
  if (backlog_ >= kBatch) flush();
}

void Outlet::write(const Extent& extent) {
  if (broken_) return give_back(extent);
  begin_write();
  if (wants_footer_) in_line_ = ends_in_line(extent);
  pieces_.push_back({.bytes = {}, .extent = extent});
  in_files_ += extent.length;
}

std::size_t Outlet::splice_from(int pipe, std::size_t most) {
  if (!can_splice_ || broken_ || !pieces_.empty()) return 0;
  if (kind_ == Kind::Unknown) find_out_kind();
  can_splice_ = !terminal_ && (kind_ == Kind::File || kind_ == Kind::NonBlocking);
  if (!can_splice_) return 0;
  const auto moved = ::splice(pipe, nullptr, poll_fd(), nullptr, most, SPLICE_F_NONBLOCK);
  if (moved >= 0) return static_cast<std::size_t>(moved);
  // To a file opened with O_APPEND, say, it cannot be done.
  if (errno == EINVAL || errno == ENOSYS) {
    can_splice_ = false;
  } else {
    give_up();
  }
  return 0;
}

bool Outlet::flush() {
  if (kind_ == Kind::Unknown && !pieces_.empty()) find_out_kind();
  while (!pieces_.empty()) {
    Piece& piece = pieces_.front();
    if (!(piece.extent.fd == -1 ? flush_bytes(piece) : flush_extent(piece))) return false;
    if (pieces_.empty()) break;  // the reader has gone, and with it the queue
    pieces_.pop_front();
  }
  return true;
}

bool Outlet::flush_bytes(Piece& piece) {
  while (piece.done < piece.bytes.size()) {
    const auto written = write_now(std::string_view{piece.bytes}.substr(piece.done));
    if (written < 0) return give_up();
    piece.done += static_cast<std::size_t>(written);
    backlog_ -= static_cast<std::size_t>(written);
  }
  return true;
}

bool Outlet::flush_extent(Piece& piece) {
  const Extent& extent = piece.extent;
  while (piece.done < extent.length) {
    auto offset = static_cast<off_t>(extent.offset + piece.done);
    const std::size_t left = extent.length - piece.done;
    std::int64_t moved = -1;
    // To a pipe, sendfile(2) gives the pages themselves, and punching them out of the file clears
    // them under the eyes of the reader (seen); on a socket it blocks.
    const bool may_send = kind_ == Kind::File;
    if (can_send_file_ && may_send) {
      moved = ::sendfile(poll_fd(), extent.fd, &offset, std::min(left, std::size_t{1} << 20));
      // To a file opened with O_APPEND, say, it cannot be done: copy through memory instead.
      if (moved == -1 && (errno == EINVAL || errno == ENOSYS)) can_send_file_ = false;
    }
    if (!can_send_file_ || !may_send) {
      char buffer[kBatch];
      const ssize_t got = ::pread(extent.fd, buffer, std::min(left, sizeof buffer), offset);
      if (got <= 0) fail("read back spilled output");
      moved = write_now({buffer, static_cast<std::size_t>(got)});
    }
    if (moved == 0) fail("read back spilled output: it is shorter than it was", EIO);
    if (moved < 0) return give_up();
    piece.done += static_cast<std::size_t>(moved);
    in_files_ -= static_cast<std::uint64_t>(moved);
  }
  give_back(extent);
  return true;
}

std::int64_t Outlet::write_now(std::string_view bytes) {
  switch (kind_) {
    case Kind::Socket:
      return ::send(given_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    case Kind::Careful: {
      pollfd ready{.fd = given_, .events = POLLOUT, .revents = 0};
      if (::poll(&ready, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
      }
      return ::write(given_, bytes.data(), std::min(bytes.size(), kAtomicWrite));
    }
    case Kind::Unknown:
    case Kind::NonBlocking:
    case Kind::File:
      break;
  }
  return ::write(poll_fd(), bytes.data(), bytes.size());
}

/// After a failed write: false = try again later.
bool Outlet::give_up() {
  const int error = errno;
  if (error == EAGAIN || error == EINTR) return false;
  drop_all();
  hung_up_ = error == EIO && terminal_;
  if (error != EPIPE && !hung_up_) fail("write to " + name_, error);
  return true;
}

void Outlet::drop_all() {
  broken_ = true;
  for (const Piece& piece : pieces_) {
    if (piece.extent.fd != -1) give_back(piece.extent);
  }
  pieces_.clear();
  backlog_ = 0;
  in_files_ = 0;
}

bool flush_both(Outlet& out, Outlet& err) {
  out.flush();
  err.flush();
  // Not what the two said: of one outlet, the second flush may have written what the first left.
  return out.empty() && err.empty();
}

Outlets::Outlets(int out, int err) : out_{out, "standard output"} {
  if (!are_same(out, err)) err_.emplace(err, "standard error");
}

}  // namespace procrun::sys
