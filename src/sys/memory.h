#pragma once
// What of this process lies in memory.

namespace procrun::sys {

/// Lets go of the pages of the program itself, which its start has gone through and a process that
/// only waits from now on does not need: what is needed again comes back from the page cache.
void forget_program_pages() noexcept;

}  // namespace procrun::sys
