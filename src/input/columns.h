#pragma once
// Items that are several: each row's items are taken apart, and the first may name them.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "input/inputs.h"
#include "input/rows.h"

namespace procrun::input {

/// Appends the columns of an item, one at least.
using Split = std::function<void(const std::string& item, Row& columns)>;

/// What the first items of sources said.
struct Header {
  Row names = {};                        // of all columns, in their order
  std::vector<std::size_t> widths = {};  // so many of them are each source's
};

/// Takes the first item from each source: it names the columns of those that follow. Blocks. Throws
/// what the sources throw.
Header take_header(const std::vector<Inputs::Entry>& entries, const Split& split);

/// Rows of which each item is split. Where there is a header, a source that has fewer columns than
/// names gets empty ones, so that the names of the next source's still fit.
class Columns final : public Rows {
 public:
  Columns(std::unique_ptr<Rows> rows, Split split, Header header = {});

  Pull next(Row& row) override;
  int wait_fd() const override { return rows_->wait_fd(); }

 private:
  std::unique_ptr<Rows> rows_;
  Split split_;
  Header header_;
  Row whole_;
};

}  // namespace procrun::input
