#pragma once
// A file of jobs: a command line each, with comments and barriers.
#include <memory>
#include <utility>

#include "input/rows.h"

namespace procrun::input {

/// The lines of `source` as rows of one item. Blank ones, and those whose first character that is
/// no blank is #, are passed over; %% alone is a barrier.
class JobFile final : public Rows {
 public:
  explicit JobFile(std::unique_ptr<Source> lines) : lines_{std::move(lines)} {}

  Pull next(Row& row) override;
  int wait_fd() const override { return lines_->wait_fd(); }

 private:
  std::unique_ptr<Source> lines_;
};

}  // namespace procrun::input
