#pragma once
// The logs of jobs that `fork` has let go.
#include <string>

#include "state/records.h"

namespace procrun::cmd {

/// Shows what a job has written, each stream on ours of the same kind; with `follow` also what it
/// writes until it has ended. The exit code. Blocks.
int show_logs(const state::Records& records, const std::string& word, bool follow);

/// The last ten lines of a file, without more than 8 KiB; empty where it cannot be read again.
std::string last_lines(const std::string& path);

}  // namespace procrun::cmd
