#pragma once
// What a command writes, read from its pipes and kept until it has ended.
#include <poll.h>

#include <array>
#include <string>
#include <string_view>

#include "job/job.h"
#include "sys/fd.h"

namespace procrun::job {

/// Where a worker puts what does not fit in memory: one unlinked file, used by all its jobs in
/// turn. Borrowed: the front opened it, and reads it.
struct Spill {
  int fd = -1;
  std::uint64_t end = 0;
};

/// Reads a command's stdout and stderr. Up to 64 KiB stay in memory, more goes to the spill file.
class Capture {
 public:
  /// `tag` goes before every line.
  Capture(Spill& spill, std::string_view tag) : spill_{spill}, tag_{tag} {}

  /// New pipes. The ends for the command are to be closed once it has them.
  void open();
  int command_end(int stream) const noexcept { return pipes_[index(stream)].write.get(); }
  void close_command_ends() noexcept;

  /// What to poll for; fd -1 where a stream has ended.
  pollfd watch(int stream) const noexcept;
  /// Reads once, without waiting. True if there was something. Throws std::system_error where the
  /// spill file is full.
  bool read(int stream);
  /// Reads what is there, without waiting for more.
  void drain();
  /// All of it; the pipes are closed.
  Captured finish();

 private:
  static std::size_t index(int stream) noexcept { return static_cast<std::size_t>(stream - 1); }
  void append(int stream, std::string_view bytes);
  std::string_view tagged(int stream, std::string_view bytes);
  void spill();

  Spill& spill_;
  std::string_view tag_;
  std::array<sys::Pipe, 2> pipes_;  // of streams 1 and 2
  std::array<bool, 2> in_line_{};   // the stream's last byte was no newline
  std::string tagged_;
  Captured captured_;
  int last_stream_ = 0;
  std::size_t last_header_ = 0;
};

}  // namespace procrun::job
