#pragma once
// A file that says how many jobs run at once, and may say something else later.
#include <string>

#include "engine/slot_source.h"
#include "sys/fd.h"

namespace procrun::cmd {

/// Whether the value of -j is the name of such a file: a regular one, and no number of jobs.
bool names_jobs_file(const std::string& text);

/// What it holds, without the white space around it. Throws std::invalid_argument, naming the file,
/// where that is no number of jobs.
std::string read_jobs_file(const std::string& path);

/// Hears by inotify(7) when the file has been written and closed, or another has taken its name.
/// What it holds then and is no number of jobs is warned of, and changes nothing.
class JobsFile final : public engine::SlotSource {
 public:
  /// Throws std::system_error and std::filesystem::filesystem_error where it cannot be watched.
  explicit JobsFile(const std::string& path);

  int fd() const override { return notify_.get(); }
  std::optional<unsigned> changed() override;

 private:
  bool heard_of_it() const;

  std::string path_;
  std::string name_;  // in its directory, which is what is watched
  sys::Fd notify_;
};

}  // namespace procrun::cmd
