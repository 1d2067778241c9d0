#pragma once
// A bound on how many children a process may have at a time, by the kernel's RLIMIT_NPROC.
#include <sys/types.h>

#include <cstdint>
#include <string>

namespace procrun {

/// How the calling process is bounded. RLIMIT_NPROC counts all threads of a real user, and root is
/// not held to it; so a bound on one process alone takes a user, or a user namespace, of its own.
struct ChildLimit {
  enum class Way : std::uint8_t { UnusedUser, UserNamespace, CountedUser, None };

  Way way = Way::None;
  uid_t user = 0;               // real user, as it was called before a namespace of its own
  std::uint64_t processes = 0;  // RLIMIT_NPROC
  std::uint64_t others = 0;     // CountedUser: so many threads that user has already
  std::string why = {};         // None: what was tried, and why it failed
};

/// Bounds the calling process, for good, to `most` children that are not reaped: as root under a
/// user that nobody has (setresuid(2): it is root no more), else in a new user namespace, else to
/// what its user has already and `most` more, which holds as long as that user does nothing else.
/// To be called in a child that was forked for it.
ChildLimit limit_children(std::uint64_t most);

}  // namespace procrun
