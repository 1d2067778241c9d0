#pragma once
// A file of jobs: a command line each, with comments and barriers.
#include <memory>
#include <utility>

#include "input/rows.h"
#include "sys/fd.h"

namespace procrun::input {

/// The lines of `source` as rows of one item. Blank ones, and those whose first character that is
/// no blank is #, are passed over; %% alone is a barrier. Where there is no row for long it says
/// Pull::Later, with a descriptor that is always readable, so that whoever reads without end still
/// hears a signal.
class JobFile final : public Rows {
 public:
  explicit JobFile(std::unique_ptr<Source> lines) : lines_{std::move(lines)} {}

  Pull next(Row& row) override;
  int wait_fd() const override { return pauses_ ? readable_.get() : lines_->wait_fd(); }

 private:
  Pull pause();

  std::unique_ptr<Source> lines_;
  unsigned passed_over_ = 0;  // since the last row or pause
  bool pauses_ = false;
  sys::Fd readable_;
};

}  // namespace procrun::input
