#pragma once
// How one process is named: by its number, or by what no other process will share with it.
#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "process/stranger.h"

namespace procrun {

/// A number that may be another process's by tomorrow, and what tells the two apart.
struct Address {
  pid_t pid = 0;
  std::optional<std::uint64_t> inode = std::nullopt;       // of its pidfd
  std::optional<std::uint64_t> start_time = std::nullopt;  // clock ticks since boot (proc_pid_stat)

  /// `4711`, `4711:INODE` (as util-linux writes it) or `4711@STARTTIME`. Throws
  /// std::invalid_argument with the accepted forms.
  static Address parse(std::string_view text);
};

/// Who goes by this address: the pidfd is opened first and looked at then, so that a number which
/// is given to another process meanwhile is no harm. Empty where there is nobody, or somebody else.
/// Throws std::runtime_error where this kernel cannot tell the two apart.
std::optional<Stranger> find(const Address& address);

/// Whom a pidfile leads to.
struct FoundByFile {
  std::optional<Stranger> process = std::nullopt;
  std::string why_not = {};  // empty if there is one
};

/// Reads the file's first line as an address. It is read again once the process has been found: if
/// it says something else by then, the one found may be no more than who has the number now. Throws
/// std::runtime_error for a file that holds something else, std::system_error for one that cannot
/// be read; that there is none is an answer.
FoundByFile find_by_pidfile(const std::string& path);

}  // namespace procrun
