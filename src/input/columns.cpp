#include "input/columns.h"

#include <utility>

namespace procrun::input {

Header take_header(const std::vector<Inputs::Entry>& entries, const Split& split) {
  Header header;
  for (const auto& entry : entries) {
    const auto before = header.names.size();
    std::string item;
    if (await_next(*entry.source, item)) split(item, header.names);
    header.widths.push_back(header.names.size() - before);
  }
  return header;
}

Columns::Columns(std::unique_ptr<Rows> rows, Split split, Header header)
    : rows_{std::move(rows)}, split_{std::move(split)}, header_{std::move(header)} {}

Pull Columns::next(Row& row) {
  const auto pull = rows_->next(whole_);
  if (pull != Pull::Item) return pull;
  row.clear();
  for (std::size_t i = 0; i < whole_.size(); ++i) {
    const auto begin = row.size();
    split_(whole_[i], row);
    if (i < header_.widths.size() && row.size() - begin < header_.widths[i]) {
      row.resize(begin + header_.widths[i]);
    }
  }
  return Pull::Item;
}

}  // namespace procrun::input
