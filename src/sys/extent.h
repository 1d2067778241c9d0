#pragma once
// A stretch of a file.
#include <atomic>
#include <cstdint>

namespace procrun::sys {

/// So many bytes of an open file, from there on.
struct Extent {
  int fd = -1;  // borrowed
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  /// Where its owner, maybe another process, learns how many bytes of the file it may write over
  /// again; borrowed. Null: it does not.
  std::atomic<std::uint64_t>* freed = nullptr;
};

/// Frees the room that its whole pages take; they read as zeros then, also by those to whom
/// sendfile(2) or splice(2) gave the pages themselves. Where the file system cannot, they go with
/// the file.
void punch_out(const Extent& extent) noexcept;

/// So much at the beginning of a file is written again and again by an owner that hears what is
/// free.
constexpr std::uint64_t kWrittenAgain = 4 * 1024 * 1024;

/// Nobody needs what stands there any more: its owner hears of it. What is not written again
/// is punched out.
void give_back(const Extent& extent) noexcept;

/// What pages are freed by: a stretch that begins and ends at its multiples loses nothing to
/// rounding.
std::uint64_t page_size() noexcept;

}  // namespace procrun::sys
