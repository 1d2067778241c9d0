#pragma once
// The frames in which a job's output is kept: one piece of one stream after the other.
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sys/outlet.h"

namespace procrun::job {

/// A part of the worker's spill file.
struct Stretch {
  std::uint64_t offset = 0;
  std::uint64_t length = 0;

  std::uint64_t end() const noexcept { return offset + length; }
};

/// The spill file as its reader sees it. Both are borrowed.
struct SpillFile {
  int fd = -1;                                  // -1: there is none
  std::atomic<std::uint64_t>* freed = nullptr;  // for each region, sys::Extent::freed
};

/// Output of a job: frames in memory, or, of a job that wrote much, in the worker's spill file. A
/// frame is a length of 8 bytes, whose highest bits say more of it, and so many bytes; the frames
/// stand in the order in which they were read, each whole in one stretch.
struct Captured {
  static constexpr std::uint64_t kStderr = std::uint64_t{1} << 63;
  /// The bytes stand elsewhere in the spill file: here stands their offset, of 8 bytes.
  static constexpr std::uint64_t kElsewhere = std::uint64_t{1} << 62;
  /// It ends within a line that has no end: what is written next begins with one.
  static constexpr std::uint64_t kUnended = std::uint64_t{1} << 61;

  static constexpr std::uint8_t kNoRegion = 255;

  std::string frames = {};
  std::vector<Stretch> spilled = {};  // of the spill file: they come before those in memory
  std::uint8_t region = kNoRegion;    // of that file: where it becomes free once all is read
  std::uint64_t stdout_bytes = 0;     // that the command wrote
  bool reader_gone = false;           // it was passed on, and nobody reads it any more
};

/// Queues it, each stream to its own outlet. Throws std::system_error where the spill file cannot
/// be read.
void pass_on(const Captured& output, const SpillFile& file, sys::Outlet& out, sys::Outlet& err);

}  // namespace procrun::job
