#pragma once
// Memory that a process and those forked from it see alike.
#include <sys/mman.h>

#include <cstddef>
#include <utility>

#include "sys/error.h"

namespace procrun::sys {

/// So many bytes, zero at first, taken page by page as they are touched. Owns the mapping of this
/// process only: what a forked one sees stays until that one lets go of it as well.
class SharedMemory {
 public:
  SharedMemory() = default;
  /// Throws std::system_error where there is none.
  explicit SharedMemory(std::size_t size)
      : bytes_{::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)},
        size_{size} {
    if (bytes_ == MAP_FAILED) fail("share memory with the workers");
  }
  SharedMemory(SharedMemory&& other) noexcept
      : bytes_{std::exchange(other.bytes_, nullptr)}, size_{std::exchange(other.size_, 0)} {}
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~SharedMemory() {
    if (bytes_ != nullptr) ::munmap(bytes_, size_);
  }

  void* get() const noexcept { return bytes_; }
  std::size_t size() const noexcept { return size_; }

 private:
  void* bytes_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace procrun::sys
