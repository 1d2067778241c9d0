#pragma once
// The bytes that come on a descriptor, as a file that can be read at any place, again and again.
#include <cstdint>
#include <map>
#include <string>

#include "input/source.h"
#include "sys/extent.h"
#include "sys/fd.h"

namespace procrun::input {

/// A regular file is one itself: nothing is copied, and what is appended to it while it is read
/// counts. What comes from elsewhere is kept in an unlinked file in $TMPDIR, as long as it is not
/// released: workers that are forked later share both.
class Spool {
 public:
  /// `name` says in errors what it is. Throws std::system_error where no file can be made.
  Spool(sys::Fd source, std::string name);

  /// The file, and where the bytes in it begin and, so far, end.
  int file() const noexcept { return kept_ ? kept_.get() : source_.get(); }
  std::uint64_t begin() const noexcept { return begin_; }
  std::uint64_t end() const noexcept { return end_; }

  /// Takes in up to 64 KiB more (of a file: all that it has got meanwhile). Never blocks. Throws
  /// std::system_error where reading fails, or keeping what was read (a full disk).
  Pull more();
  /// What to wait for after Pull::Later.
  int wait_fd() const noexcept { return source_.get(); }

  /// All before that place has been taken: whoever reads from the same description after us (the
  /// rest of a script) goes on there.
  void taken(std::uint64_t place) const noexcept;
  /// Nobody will read these bytes again. In whatever order pieces are released, their room is
  /// freed.
  void release(const sys::Extent& piece);

  const std::string& name() const noexcept { return name_; }

 private:
  sys::Fd source_;
  std::string name_;
  sys::Fd kept_;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;
  bool ended_ = false;
  std::map<std::uint64_t, std::uint64_t> released_;  // from where to where, none touching
};

}  // namespace procrun::input
