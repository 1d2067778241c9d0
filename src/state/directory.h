#pragma once
// Where what outlives the program is kept.
#include <string>

#include "sys/fd.h"

namespace procrun::state {

/// The state directory, made if need be: $PROCRUN_STATE_DIR, else $XDG_STATE_HOME/procrun, else
/// ~/.local/state/procrun, else /tmp/procrun-UID. Only its owner may use it: throws
/// std::runtime_error where it belongs to somebody else or is open to others.
std::string directory();

/// `path` as seen from the root; empty: the working directory.
std::string absolute(const std::string& path);

/// A new log file in the state directory, and its path.
struct Log {
  sys::Fd file;
  std::string path;
};
Log new_log();

}  // namespace procrun::state
