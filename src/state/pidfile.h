#pragma once
// A file that tells a job's pid while it runs, for scripts and for those who would start it twice.
#include <sys/types.h>

#include <optional>
#include <string>

#include "sys/fd.h"

namespace procrun::state {

/// The right to start the job of one pidfile, and the file. A lock stands behind it, held while
/// this object or its copy in a forked process lives, on a file beside it (".NAME.lock"); the
/// pidfile itself is locked, too, as other tools expect. Going out of scope removes neither.
class PidFile {
 public:
  /// Empty where somebody has it. Throws std::system_error where the directory cannot be written.
  static std::optional<PidFile> take(const std::string& path);

  /// The pid that a pidfile tells; 0 where it is not there or tells none.
  static pid_t read(const std::string& path);

  /// Makes the file, or replaces the one that a killed predecessor left: whoever reads it finds a
  /// whole pid at any time.
  void publish(pid_t pid);
  /// Removes the pidfile, if it is still the one that was published.
  void unpublish() noexcept;
  /// The descriptor of the lock.
  int lock_fd() const noexcept { return lock_.get(); }
  /// Removes the lock file, too: for the end of the job.
  void leave() noexcept;

 private:
  PidFile(std::string path, sys::Fd lock);

  std::string path_;
  std::string lock_path_;
  sys::Fd lock_;
  sys::Fd file_;
};

}  // namespace procrun::state
