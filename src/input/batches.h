#pragma once
// Several rows for one job: so many, or as many as its command line has room for.
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "input/placeholders.h"
#include "input/rows.h"

namespace procrun::input {

/// Counts how long the command of a job gets, made by a template that repeats.
class Room {
 public:
  struct Limits {
    Template::Measure measure = {};
    std::size_t most = 0;          // bytes, by this measure
    std::size_t longest_word = 0;  // in bytes
  };

  Room(Template words, Limits limits);

  /// Counts `row` in, if there is room for it, and in any case if it is the first since clear().
  bool take(const Row& row);
  void clear();

 private:
  struct Load {
    std::size_t items = 0;
    std::size_t bytes = 0;         // of the items
    std::size_t longest_item = 0;  // where it counts
    bool is_over = false;          // an item can be in no command at all
  };

  Load with(const Row& row) const;
  bool fits(const Load& load) const;

  Template words_;
  Limits limits_;
  Template::Size size_;
  Load load_;
};

/// Rows that are several in one. Where a row alone is too long for the room, it comes alone.
class Batches final : public Rows {
 public:
  struct Plan {
    /// So many rows in one at most; 0: one that is read and leaves nothing.
    std::size_t most = 1;
    /// Fewer if there is no room for them.
    std::optional<Room> room = std::nullopt;
    /// What is left at the end is divided among so many, as evenly as GNU parallel does.
    unsigned spread = 1;
  };

  Batches(std::unique_ptr<Rows> rows, Plan plan) : rows_{std::move(rows)}, plan_{std::move(plan)} {}

  Pull next(Row& row) override;
  int wait_fd() const override { return rows_->wait_fd(); }
  std::vector<std::size_t> ends_of_last() const override { return ends_of_last_; }

 private:
  Pull collect();
  void hand_over(Row& row);

  std::unique_ptr<Rows> rows_;
  Plan plan_;
  Row next_;  // was read; perhaps it did not fit any more
  bool has_next_ = false;
  bool has_ended_ = false;
  bool is_complete_ = false;       // what was collected
  Row items_;                      // of the rows that were collected
  std::vector<std::size_t> ends_;  // of each of these in `items_`
  std::size_t share_ = 0;          // so many of them make a row
  std::size_t given_ = 0;          // of them
  std::vector<std::size_t> ends_of_last_;
};

}  // namespace procrun::input
