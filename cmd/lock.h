#pragma once
// Locks on files, waited for with a deadline.
#include "sys/clock.h"
#include "sys/fd.h"

namespace procrun::cmd {

/// Locks the open file (flock(2), exclusively), for as long as it, or a copy of its descriptor, is
/// open. Blocks until `deadline`; false: somebody else holds it. To be called before signals are
/// blocked. Throws std::system_error.
bool lock_file(const sys::Fd& file, const sys::Deadline& deadline);

}  // namespace procrun::cmd
