#pragma once
// How much a program can be given: the limits of execve(2) on its arguments and environment.
#include <sys/resource.h>

#include <cstddef>

namespace procrun::sys {

/// The most that one argument, or one variable of the environment, may take with the NUL behind it,
/// whatever the limit on their sum is (MAX_ARG_STRLEN: 32 pages).
std::size_t longest_argument();

/// What a word takes in execve(2)'s sum besides its bytes: the NUL and a pointer.
inline constexpr std::size_t kPerArgument = 1 + sizeof(char*);

/// The sum that execve(2) takes where the soft limit on the stack is `stack`.
std::size_t argument_space(rlim_t stack);

/// What these variables take of it.
std::size_t space_of(const char* const* environment);

}  // namespace procrun::sys
