#pragma once
// Small files of the kernel, read whole.
#include <string>

namespace procrun::sys {

/// The whole text of a small file (/proc, /sys); empty where it cannot be read: for what is asked
/// of these files, "not there" and "not allowed" have the same answer.
std::string slurp(const std::string& path);

}  // namespace procrun::sys
