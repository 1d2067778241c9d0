#include "input/spool.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <iterator>
#include <utility>

#include "sys/error.h"

namespace procrun::input {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

std::uint64_t size_of(int file) {
  struct stat status {};
  if (::fstat(file, &status) == -1 || !S_ISREG(status.st_mode)) return 0;
  return static_cast<std::uint64_t>(status.st_size);
}

}  // namespace

/// The files of /proc and /sys say that they have no size, or that of a page: what is small is as
/// well copied.
Spool::Spool(sys::Fd source, std::string name)
    : source_{std::move(source)}, name_{std::move(name)} {
  const auto place = ::lseek(source_.get(), 0, SEEK_CUR);
  const auto size = size_of(source_.get());
  if (place != -1 && size >= static_cast<std::uint64_t>(place) + kPiece) {
    begin_ = static_cast<std::uint64_t>(place);
    end_ = size;
  } else {
    kept_ = sys::open_temporary();
  }
}

Pull Spool::more() {
  if (ended_) return Pull::End;
  if (!kept_) {
    const auto before = std::exchange(end_, std::max(end_, size_of(source_.get())));
    ended_ = before == end_;
    return ended_ ? Pull::End : Pull::Item;
  }
  // Readable also at the end of the file, and where reading fails: then read(2) does not block.
  pollfd state{.fd = source_.get(), .events = POLLIN, .revents = 0};
  if (sys::retry(name_, [&] { return ::poll(&state, 1, 0); }) == 0) return Pull::Later;
  std::array<char, kPiece> piece;
  const ssize_t size = ::read(source_.get(), piece.data(), piece.size());
  if (size == -1 && (errno == EINTR || errno == EAGAIN)) return Pull::Later;
  if (size == -1) sys::fail("read " + name_);
  ended_ = size == 0;
  for (ssize_t done = 0; done < size;) {
    done += sys::retry("keep " + name_ + " in a temporary file", [&] {
      return ::pwrite(kept_.get(), piece.data() + done, static_cast<std::size_t>(size - done),
                      static_cast<off_t>(end_) + done);
    });
  }
  end_ += static_cast<std::uint64_t>(size);
  return ended_ ? Pull::End : Pull::Item;
}

void Spool::taken(std::uint64_t place) const noexcept {
  if (!kept_) ::lseek(source_.get(), static_cast<off_t>(place), SEEK_SET);
}

/// A page is freed with the last of the pieces that have a part in it.
void Spool::release(const sys::Extent& piece) {
  if (!kept_ || piece.length == 0) return;
  std::uint64_t from = piece.offset;
  std::uint64_t to = piece.offset + piece.length;
  auto next = released_.lower_bound(from);
  if (next != released_.end() && next->first == to) {
    to = next->second;
    next = released_.erase(next);
  }
  if (next != released_.begin() && std::prev(next)->second == from) {
    --next;
    from = next->first;
    next->second = to;
  } else {
    released_.emplace_hint(next, from, to);
  }
  const auto page = sys::page_size();
  from = std::max(from, piece.offset / page * page);
  to = std::min(to, (piece.offset + piece.length + page - 1) / page * page);
  sys::punch_out({.fd = kept_.get(), .offset = from, .length = to - from});
}

}  // namespace procrun::input
