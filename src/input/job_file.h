#pragma once
// A file of jobs: a command line or an object of JSON each, with comments and barriers.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "input/job_names.h"
#include "input/rows.h"
#include "sys/fd.h"

namespace procrun::input {

/// The lines of `source` as rows of one item. Blank ones, and those whose first character that is
/// no blank is #, are passed over; %% alone is a barrier. A line of JSON (json_job.h) is a row of
/// its label. Where there is no row for long it says Pull::Later, with a descriptor that is always
/// readable, so that whoever reads without end still hears a signal.
class JobFile final : public Rows {
 public:
  /// Errors call it `name`.
  explicit JobFile(std::unique_ptr<Source> lines, std::string name = "jobs")
      : lines_{std::move(lines)}, name_{std::move(name)} {}

  /// Throws std::invalid_argument too, as NAME:LINE: for a line of JSON that is no job, or one that
  /// could never be run (job_names.h), when that is known: at the next barrier, or the end.
  Pull next(Row& row) override;
  int wait_fd() const override { return pauses_ ? readable_.get() : lines_->wait_fd(); }
  std::shared_ptr<const JsonJob> json() const override { return json_; }

 private:
  void take_json(std::string_view text);
  Pull pause();

  std::unique_ptr<Source> lines_;
  std::string name_;
  std::uint64_t line_ = 0;
  std::shared_ptr<const JsonJob> json_;
  JobNames names_;
  unsigned passed_over_ = 0;  // since the last row or pause
  bool pauses_ = false;
  sys::Fd readable_;
};

}  // namespace procrun::input
