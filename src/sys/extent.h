#pragma once
// A stretch of a file.
#include <cstdint>

namespace procrun::sys {

/// So many bytes of an open file, from there on.
struct Extent {
  int fd = -1;  // borrowed
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// Frees the room that its whole pages take; they read as zeros then, also by those to whom
/// sendfile(2) or splice(2) gave the pages themselves. Where the file system cannot, they go with
/// the file.
void punch_out(const Extent& extent) noexcept;

/// What pages are freed by: a stretch that begins and ends at its multiples loses nothing to
/// rounding.
std::uint64_t page_size() noexcept;

}  // namespace procrun::sys
