#include "input/inputs.h"

#include <algorithm>

namespace procrun::input {

/// Sources that advance together; those of a group that is not the first are read whole.
class Inputs::Group {
 public:
  explicit Group(Pairing pairing) : pairing_{pairing} {}

  void add(std::unique_ptr<Source> source) {
    members_.push_back({.source = std::move(source)});
    items_.emplace_back();
  }

  /// Moves on to the next items. All that have none yet are asked, even if one before them makes
  /// us wait: an end further on saves the wait.
  Pull next() {
    bool all_there = true;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& member = members_[i];
      if (member.state != State::Wanted) continue;
      const auto pull = member.source->next(items_[i]);
      if (pull == Pull::End && (pairing_ == Pairing::Shortest || !member.has_items)) {
        return Pull::End;
      }
      if (pull == Pull::End) member.state = State::Ended;
      if (pull == Pull::Item) take(member, items_[i]);
      if (pull == Pull::Later && std::exchange(all_there, false)) {
        wait_fd_ = member.source->wait_fd();
      }
    }
    return all_there ? complete() : Pull::Later;
  }

  /// Reads whatever is left of all rows; Pull::End if they are complete.
  Pull load() {
    while (!is_loaded_) {
      const auto pulled = next();
      if (pulled == Pull::Later) return pulled;
      is_loaded_ = pulled == Pull::End;
      if (!is_loaded_) rows_.push_back(items_);
    }
    return Pull::End;
  }

  bool is_empty() const noexcept { return rows_.empty(); }

  /// Moves on to the next row of those loaded; false if that is the first again.
  bool advance() {
    position_ = (position_ + 1) % rows_.size();
    return position_ != 0;
  }

  /// Where it stands: one item for each member.
  const std::vector<std::string>& row() const { return is_loaded_ ? rows_[position_] : items_; }
  /// Who made the last next() wait.
  int wait_fd() const noexcept { return wait_fd_; }

 private:
  enum class State { Wanted, There, Ended };

  struct Member {
    std::unique_ptr<Source> source;
    State state = State::Wanted;
    bool has_items = false;
    std::vector<std::string> kept = {};  // to begin anew with
    std::size_t position = 0;            // in `kept`
  };

  void take(Member& member, const std::string& item) {
    member.state = State::There;
    member.has_items = true;
    // Nobody outlasts a source that is alone.
    if (pairing_ == Pairing::Recycle && members_.size() > 1) member.kept.push_back(item);
  }

  /// The next items are there, or their members have ended.
  Pull complete() {
    const auto has_ended = [](const Member& member) { return member.state == State::Ended; };
    if (std::all_of(members_.begin(), members_.end(), has_ended)) return Pull::End;
    for (std::size_t i = 0; i < members_.size(); ++i) {
      auto& member = members_[i];
      if (has_ended(member)) {
        items_[i] = member.kept[member.position++ % member.kept.size()];
      } else {
        member.state = State::Wanted;
      }
    }
    return Pull::Item;
  }

  Pairing pairing_;
  std::vector<Member> members_;
  std::vector<std::string> items_;  // what the last next() brought
  std::vector<std::vector<std::string>> rows_;
  std::size_t position_ = 0;  // in `rows_`
  bool is_loaded_ = false;
  int wait_fd_ = -1;
};

Inputs::Inputs(std::vector<Entry> entries, Pairing pairing) : width_{entries.size()} {
  for (auto& entry : entries) {
    if (groups_.empty() || !entry.linked) groups_.emplace_back(pairing);
    groups_.back().add(std::move(entry.source));
  }
  ended_ = groups_.empty();
}

Inputs::~Inputs() = default;
Inputs::Inputs(Inputs&&) noexcept = default;
Inputs& Inputs::operator=(Inputs&&) noexcept = default;

Pull Inputs::next(Row& row) {
  if (ended_) return Pull::End;
  if (!turn()) {
    const auto pulled = begin_round();
    ended_ = pulled == Pull::End;
    if (pulled != Pull::Item) return pulled;
  }
  fill(row);
  return Pull::Item;
}

/// Turns the groups after the first as an odometer's wheels; false once they all went round.
bool Inputs::turn() {
  if (stage_ != Stage::Turn) return false;
  for (auto i = groups_.size() - 1; i > 0; --i) {
    if (groups_[i].advance()) return true;
  }
  stage_ = Stage::First;
  return false;
}

/// Moves the first group on. The others are loaded only now that there is something to combine.
Pull Inputs::begin_round() {
  const auto later = [this](const Group& group) {
    wait_fd_ = group.wait_fd();
    return Pull::Later;
  };
  if (stage_ == Stage::First) {
    const auto pulled = groups_[0].next();
    if (pulled == Pull::Later) return later(groups_[0]);
    if (pulled == Pull::End) return pulled;
    stage_ = Stage::Others;
  }
  for (std::size_t i = 1; i < groups_.size(); ++i) {
    if (groups_[i].load() == Pull::Later) return later(groups_[i]);
    if (groups_[i].is_empty()) return Pull::End;
  }
  stage_ = Stage::Turn;
  return Pull::Item;
}

void Inputs::fill(Row& row) const {
  row.resize(width_);
  auto cell = row.begin();
  for (const auto& group : groups_) cell = std::copy(group.row().begin(), group.row().end(), cell);
}

}  // namespace procrun::input
