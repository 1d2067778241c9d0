#include "input/batches.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "input/shell.h"

namespace procrun::input {

Room::Room(Template words, Limits limits)
    : words_{std::move(words)}, limits_{limits}, size_{words_.size(limits.measure)} {}

Room::Load Room::with(const Row& row) const {
  Load load = load_;
  const bool picks = size_.picks + size_.picks_again != 0;
  for (const auto& item : row) {
    const auto added = words_.size_of(item, limits_.measure);
    ++load.items;
    load.bytes += added.bytes;
    load.is_over = load.is_over || added.longest > limits_.longest_word;
    if (!picks) continue;
    const auto size = limits_.measure.quoted ? quote(item).size() : item.size();
    load.longest_item = std::max(load.longest_item, size + 1);  // `{1//}` of nothing is `.`
  }
  return load;
}

bool Room::fits(const Load& load) const {
  const auto picks = size_.picks + size_.picks_again * load.items;
  return !load.is_over && size_.fixed + load.bytes + picks * load.longest_item <= limits_.most;
}

bool Room::take(const Row& row) {
  const auto load = with(row);
  if (load_.items != 0 && !fits(load)) return false;
  load_ = load;
  return true;
}

void Room::clear() { load_ = {}; }

Pull Batches::next(Row& row) {
  if (plan_.most == 0) {
    const auto pulled = rows_->next(row);
    row.clear();
    return pulled;
  }
  if (!is_complete_) {
    if (has_ended_) return Pull::End;
    if (collect() == Pull::Later) return Pull::Later;
    is_complete_ = true;
  }
  if (ends_.empty()) return Pull::End;
  hand_over(row);
  return Pull::Item;
}

/// Takes rows until there are enough, the room is full, or the input ends.
Pull Batches::collect() {
  while (ends_.size() < plan_.most) {
    if (!has_next_) {
      const auto pulled = rows_->next(next_);
      if (pulled == Pull::Later) return pulled;
      has_ended_ = pulled == Pull::End;
      if (has_ended_) break;
      has_next_ = true;
    }
    if (plan_.room && !plan_.room->take(next_)) break;
    std::move(next_.begin(), next_.end(), std::back_inserter(items_));
    ends_.push_back(items_.size());
    has_next_ = false;
  }
  if (plan_.room) plan_.room->clear();
  share_ = ends_.size();
  if (has_ended_) share_ = (share_ + plan_.spread - 1) / plan_.spread;
  return Pull::Item;
}

/// The next share of the rows that were collected.
void Batches::hand_over(Row& row) {
  const auto from = given_ == 0 ? 0 : ends_[given_ - 1];
  ends_of_last_.clear();
  for (const auto before = given_; given_ < std::min(before + share_, ends_.size()); ++given_) {
    ends_of_last_.push_back(ends_[given_] - from);
  }
  const auto at = [this](std::size_t place) {
    return std::move_iterator{items_.begin() + static_cast<std::ptrdiff_t>(place)};
  };
  row.assign(at(from), at(ends_[given_ - 1]));
  if (given_ < ends_.size()) return;
  items_.clear();
  ends_.clear();
  given_ = 0;
  is_complete_ = false;
}

}  // namespace procrun::input
