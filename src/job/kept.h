#pragma once
// What is kept of a job's output until somebody takes it: in memory, and what is more in a file.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "job/captured.h"

namespace procrun::job {

/// Where a worker puts what does not fit in memory: one unlinked file, used by all its jobs in
/// turn. Borrowed: the front opened it, and reads it. Jobs write in its two regions by turns: what
/// one wrote has been read, as a rule, when the next but one begins. So the file stays small, and
/// to write over a page costs far less than to get a new one. What finds no room there stands
/// beyond.
class Spill {
 public:
  /// No region ends beyond.
  static constexpr std::uint64_t kRegions = 2;
  static constexpr std::uint64_t kRegionSize = sys::kWrittenAgain / kRegions;

  Spill() = default;
  explicit Spill(SpillFile file) noexcept : file_{file} { begin_job(); }

  const SpillFile& file() const noexcept { return file_; }
  /// To be called before each job.
  void begin_job() noexcept;
  /// Room for so many bytes, behind what was taken last wherever that can be. Returns its offset.
  std::uint64_t take(std::uint64_t size) noexcept;
  /// Of what was taken last, only what comes before that is needed.
  void shorten_to(std::uint64_t end) noexcept;
  std::uint64_t end() const noexcept { return end_; }
  /// So many bytes of output are handed on, to be read here. Returns the region that is free again
  /// when all of them have been read.
  std::uint8_t lend(std::uint64_t size) noexcept;

 private:
  static constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

  SpillFile file_ = {};
  std::uint8_t region_ = Captured::kNoRegion;  // of this job
  std::uint64_t end_ = 0;
  std::uint64_t limit_ = kNoLimit;
  std::uint64_t beyond_ = 0;  // the end of all that stands beyond the regions
  std::array<std::uint64_t, kRegions> lent_{};
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
  void spill(std::string_view rest);
  void add_to_spilled(std::string_view bytes);
  void end_frame();

  Spill& spill_;
  Captured captured_;
  std::array<std::uint64_t, 2> sizes_{};
  bool refers_ = false;          // a frame in memory says where bytes stand in the file
  int last_stream_ = 0;          // of the last frame, if more may be added to that; else 0
  std::size_t last_header_ = 0;  // where that begins, if in memory
  /// The last frame, if it has been spilled and more may be added: where, and its header, which is
  /// written over once its length is known.
  std::optional<std::uint64_t> open_frame_;
  std::uint64_t open_header_ = 0;
};

}  // namespace procrun::job
