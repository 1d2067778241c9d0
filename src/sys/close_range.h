#pragma once
// Letting go of what one was given.
#include <vector>

namespace procrun::sys {

/// Closes all descriptors from 3 on but those in `kept`, whoever owns them (close_range(2)). For a
/// process that lets go of its parent's; -1 is passed over. Throws std::system_error.
void close_all_but(std::vector<int> kept);

}  // namespace procrun::sys
