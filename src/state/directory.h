#pragma once
// Where what outlives the program is kept.
#include <string>

#include "sys/fd.h"

namespace procrun::state {

/// The state directory, made if need be: $PROCRUN_STATE_DIR, else $XDG_STATE_HOME/procrun, else
/// ~/.local/state/procrun if there is a home that we may write to, else /tmp/procrun-UID. Only its
/// owner may use it: throws std::runtime_error where it belongs to somebody else or is open to
/// others.
std::string directory();

/// `path` as seen from the root; empty: the working directory.
std::string absolute(const std::string& path);

/// A file for a job's output, open for appending, and its path.
struct Log {
  sys::Fd file;
  std::string path;
};
/// A new one in the state directory, for the job with that id.
Log new_log(const std::string& id);

}  // namespace procrun::state
