#pragma once
// How busy the machine is.
#include <cstdint>
#include <optional>

namespace procrun::sys {

/// The mean number of processes that ran or wanted to, over the last minute; empty where nobody
/// tells.
std::optional<double> load_average();

/// Bytes of memory that programs can get without swapping (MemAvailable of /proc/meminfo); empty
/// where nobody tells.
std::optional<std::uint64_t> available_memory();

}  // namespace procrun::sys
