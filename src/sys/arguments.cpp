#include "sys/arguments.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

namespace procrun::sys {

std::size_t longest_argument() { return 32 * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

// The kernel's own rule (fs/exec.c): a quarter of the stack, three quarters of its default size at
// most and what POSIX had from old at least. sysconf(_SC_ARG_MAX) does not know the upper bound.
std::size_t argument_space(rlim_t stack) {
  constexpr rlim_t kLeast = rlim_t{128} << 10;
  constexpr rlim_t kMost = rlim_t{6} << 20;
  return static_cast<std::size_t>(std::clamp(stack / 4, kLeast, kMost));
}

std::size_t space_of(const char* const* environment) {
  std::size_t space = 0;
  for (; *environment != nullptr; ++environment) space += std::strlen(*environment) + kPerArgument;
  return space;
}

}  // namespace procrun::sys
