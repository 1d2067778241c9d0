#include "sys/memory.h"

#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace procrun::sys {
namespace {

/// What is needed again brings its whole folio along, which may be a MiB of the page cache, but
/// nothing beyond its mapping. So mappings are cut into pieces of this size.
constexpr std::uintptr_t kPiece = 32 * 1024;

// NOLINTNEXTLINE(performance-no-int-to-ptr)
void* pointer(std::uintptr_t address) { return reinterpret_cast<void*>(address); }

/// Two neighbours that are to be read in different ways are two mappings.
void cut(std::uintptr_t from, std::uintptr_t to) {
  for (std::uintptr_t at = from + kPiece; at < to; at += 2 * kPiece) {
    ::madvise(pointer(at), std::min(kPiece, to - at), MADV_RANDOM);
  }
}

/// For dl_iterate_phdr(3), whose first object is the program. Only what nobody can have written to;
/// all of it is a wish, not a need.
int forget_object(dl_phdr_info* object, std::size_t, void*) {
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const auto& segment = object->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) != 0) continue;
    const std::uintptr_t from = (object->dlpi_addr + segment.p_vaddr) / page * page;
    const std::uintptr_t to = object->dlpi_addr + segment.p_vaddr + segment.p_memsz;
    cut(from, to);
    ::madvise(pointer(from), to - from, MADV_DONTNEED);
  }
  return 1;  // the others, if any, are shared with everybody
}

}  // namespace

void forget_program_pages() noexcept { ::dl_iterate_phdr(forget_object, nullptr); }

}  // namespace procrun::sys
