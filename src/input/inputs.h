#pragma once
// Rows for the jobs: the product of the sources, of which some may advance together.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "input/rows.h"
#include "input/source.h"

namespace procrun::input {

/// How long sources that advance together go on, as in GNU parallel: until the shortest ends
/// (`:::+`), or until the longest does, the others beginning anew (`--link`).
enum class Pairing { Shortest, Recycle };

/// Several sources make the product, the last varying fastest; a linked one advances with the one
/// before it. The first, and what is linked to it, streams in constant memory (under Recycle its
/// items are kept); the others are read whole once the first row is there. A source without an item
/// makes no rows at all (GNU parallel takes it for one empty item).
class Inputs final : public Rows {
 public:
  struct Entry {
    std::unique_ptr<Source> source;
    bool linked = false;  // means nothing for the first
  };

  explicit Inputs(std::vector<Entry> entries, Pairing pairing = Pairing::Shortest);
  ~Inputs() override;
  Inputs(Inputs&&) noexcept;
  Inputs& operator=(Inputs&&) noexcept;

  /// One item for each source, in `row`, whose memory is used again.
  Pull next(Row& row) override;

  int wait_fd() const override { return wait_fd_; }

  /// The number of sources, and so of items in a row.
  std::size_t width() const noexcept { return width_; }

 private:
  class Group;

  /// What has to be done before there is a row: pull the first group; load the others; turn them.
  enum class Stage { First, Others, Turn };

  bool turn();
  Pull begin_round();
  void fill(Row& row) const;

  std::vector<Group> groups_;
  Stage stage_ = Stage::First;
  bool ended_ = false;
  int wait_fd_ = -1;
  std::size_t width_ = 0;
};

}  // namespace procrun::input
