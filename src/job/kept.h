#pragma once
// What is kept of a job's output until somebody takes it: in memory, and what is more in a file.
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "job/captured.h"

namespace procrun::job {

/// Where a worker puts what does not fit in memory: one unlinked file, used by all its jobs in
/// turn. Borrowed: the front opened it, and reads it.
struct Spill {
  int fd = -1;
  std::uint64_t end = 0;
};

/// Writes at `offset` of the spill file. Throws std::system_error (a full disk).
void write_spill(const Spill& spill, std::string_view bytes, std::uint64_t offset);

/// Output in frames: up to 64 KiB of them in memory, else all in the spill file.
class Kept {
 public:
  explicit Kept(Spill& spill) : spill_{spill} {}

  /// `stream` is 1 or 2.
  void add(int stream, std::string_view bytes);
  /// What stands in the spill file already.
  void add_stretch(int stream, const Stretch& stretch);
  /// What was added last ends within a line, and the line is not to go on.
  void mark_unended();

  bool empty() const noexcept { return captured_.frames.empty() && captured_.spilled.empty(); }
  /// Bytes of both streams that are in memory.
  std::size_t in_memory() const noexcept { return captured_.frames.size(); }
  /// Bytes of the streams, 1 and 2.
  const std::array<std::uint64_t, 2>& sizes() const noexcept { return sizes_; }
  /// All of it: in memory if it is all there and not more than `most` bytes. It is kept no more.
  Captured take(std::size_t most);

 private:
  void set_header(std::size_t at, std::uint64_t header);
  std::uint64_t header(std::size_t at) const;
  void begin_frame(int stream);
  void spill();

  Spill& spill_;
  Captured captured_;
  std::array<std::uint64_t, 2> sizes_{};
  bool refers_ = false;          // a frame in memory says where bytes stand in the file
  int last_stream_ = 0;          // of the last frame, if more may be added to that; else 0
  std::size_t last_header_ = 0;  // where that begins
};

}  // namespace procrun::job
