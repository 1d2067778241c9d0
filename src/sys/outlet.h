#pragma once
// Writing to a descriptor that we were given, without ever blocking on it: whoever reads it may
// sleep, and a process that blocks in write(2) with its signals blocked is deaf to Ctrl-C.
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "sys/extent.h"
#include "sys/fd.h"

namespace procrun::sys {

/// A queue in front of one descriptor. Pipes and terminals are opened anew through /proc, so that
/// O_NONBLOCK is on a description of our own; sockets take MSG_DONTWAIT; files do not block.
class Outlet {
 public:
  /// `fd` is borrowed; `name` says in errors what it is ("standard output").
  Outlet(int fd, std::string name);

  /// Queues bytes behind those that wait; writes when more than 64 KiB have come together.
  void write(std::string_view bytes);
  /// Queues a stretch of a file, which has to stay open until it is written and is given back
  /// then.
  void write(const Extent& extent);
  /// What was written last ends within a line: what is written next begins with its end.
  void end_line() noexcept { in_line_ = ends_line_ = true; }
  /// Moves up to so many bytes from a pipe straight on, without a copy (splice(2)), if nothing
  /// waits here. Returns how many; 0: none can be moved now, or never, or there are none, which
  /// reading from the pipe will tell. Never blocks. Throws as flush() does.
  std::size_t splice_from(int pipe, std::size_t most);
  /// Writes as much as goes now. True when nothing waits any more. Throws std::system_error where
  /// writing fails (a full disk), after which all is dropped; a reader that has gone is no error,
  /// see broken().
  bool flush();

  /// Queues a line without an end that stands last on a terminal: it is erased before what is
  /// written next. While the line before it has no end yet, it is not shown.
  void set_footer(std::string_view text);
  void erase_footer();
  bool shows_footer() const noexcept { return shows_footer_; }

  bool empty() const noexcept { return pieces_.empty(); }
  /// Bytes in memory that wait.
  std::size_t backlog() const noexcept { return backlog_; }
  /// Bytes in files that wait.
  std::uint64_t in_files() const noexcept { return in_files_; }
  /// The reader is gone (EPIPE, a terminal that hung up), or writing has failed: what comes now is
  /// dropped.
  bool broken() const noexcept { return broken_; }
  /// Another process that writes to the same has found its reader gone.
  void note_broken() { drop_all(); }
  /// The terminal hung up.
  bool hung_up() const noexcept { return hung_up_; }
  /// What to wait for (POLLOUT) while something waits.
  int poll_fd() const noexcept { return own_ ? own_.get() : given_; }

 private:
  enum class Kind { Unknown, File, NonBlocking, Careful, Socket };
  struct Piece {
    std::string bytes;
    std::size_t done = 0;
    Extent extent;
  };

  void find_out_kind();
  void queue(std::string_view bytes);
  void begin_write();
  bool flush_bytes(Piece& piece);
  bool flush_extent(Piece& piece);
  std::int64_t write_now(std::string_view bytes);
  bool give_up();
  void drop_all();

  int given_;
  std::string name_;
  Fd own_;
  Kind kind_ = Kind::Unknown;
  std::deque<Piece> pieces_;
  std::size_t backlog_ = 0;
  std::uint64_t in_files_ = 0;
  bool can_send_file_ = true;
  bool can_splice_ = true;
  bool wants_footer_ = false;  // so that it has to be known where lines end
  bool shows_footer_ = false;
  bool in_line_ = false;    // what was written last has no end of line
  bool ends_line_ = false;  // and gets one before what comes next
  bool broken_ = false;
  bool terminal_ = false;
  bool hung_up_ = false;
};

/// Flushes both, which may be one and the same. True when nothing waits in either any more.
bool flush_both(Outlet& out, Outlet& err);

/// The outlets of a stdout and a stderr: one for both where they are the same file, or a line of
/// the one could tear a line of the other, and their order would be lost.
class Outlets {
 public:
  /// Both are borrowed.
  Outlets(int out, int err);
  Outlet& out() noexcept { return out_; }
  Outlet& err() noexcept { return err_ ? *err_ : out_; }

 private:
  Outlet out_;
  std::optional<Outlet> err_;
};

}  // namespace procrun::sys
