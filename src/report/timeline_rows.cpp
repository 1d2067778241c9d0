#include "report/timeline_rows.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

namespace procrun::report {
namespace {

using Group = std::vector<std::size_t>;

/// More siblings than that share rows where their lives do not overlap.
constexpr std::size_t kManySiblings = 12;

/// Below whom it hangs; kNobody: it stands at the left.
std::int32_t hangs_below(const Life& life) {
  return life.parent != Life::kNobody ? life.parent : life.adopter;
}

class Layout {
 public:
  explicit Layout(const History& history)
      : history_{history},
        children_(history.lives.size()),
        is_placed_(history.lives.size(), false) {}

  std::vector<Row> rows() {
    Group outsiders;
    Group roots;
    for (std::size_t i = 0; i < history_.lives.size(); ++i) {
      const std::int32_t above = hangs_below(life(i));
      if (above != Life::kNobody) {
        children_[static_cast<std::size_t>(above)].push_back(i);
      } else {
        (life(i).is_outsider ? outsiders : roots).push_back(i);
      }
    }
    for (const std::size_t one : outsiders) place({one}, std::nullopt, 0);
    for (const std::size_t one : roots) place({one}, std::nullopt, 0);
    return std::move(rows_);
  }

 private:
  const Life& life(std::size_t i) const { return history_.lives[i]; }

  void place(const Group& group, std::optional<std::size_t> parent, unsigned depth) {
    Group fresh;
    for (const std::size_t one : group) {
      if (!is_placed_[one]) fresh.push_back(one);
      is_placed_[one] = true;  // what was told may be nonsense, and go round
    }
    if (fresh.empty()) return;
    const std::size_t row = rows_.size();
    rows_.push_back({.lives = fresh, .parent = parent, .depth = depth});
    std::size_t last = row;
    for (const Group& below : groups_below(fresh)) {
      const std::size_t next = rows_.size();
      place(below, row, depth + 1);
      if (rows_.size() > next) last = next;
    }
    if (last != row) rows_[last].is_last = true;
  }

  /// Places first, in their order, then the others as they began.
  std::vector<Group> groups_below(const Group& parents) const {
    std::map<std::uint32_t, Group> of_slot;
    Group others;
    for (const std::size_t parent : parents) {
      for (const std::size_t child : children_[parent]) {
        (life(child).slot == 0 ? others : of_slot[life(child).slot]).push_back(child);
      }
    }
    std::vector<Group> groups;
    groups.reserve(of_slot.size() + others.size());
    for (auto& [slot, group] : of_slot) groups.push_back(in_order(std::move(group)));
    others = in_order(std::move(others));
    if (others.size() > kManySiblings) return folded(others, std::move(groups));
    for (const std::size_t one : others) groups.push_back({one});
    return groups;
  }

  Group in_order(Group group) const {
    std::stable_sort(group.begin(), group.end(),
                     [this](std::size_t a, std::size_t b) { return life(a).from < life(b).from; });
    return group;
  }

  /// Each goes to the first row that is free by then.
  std::vector<Group> folded(const Group& others, std::vector<Group> groups) const {
    const std::size_t first = groups.size();
    std::multimap<Moment, std::size_t> free_from;  // rows, by the ends of their last lives
    for (const std::size_t one : others) {
      const auto free = free_from.begin();
      std::size_t row = groups.size();
      if (free != free_from.end() && free->first < life(one).from) {
        row = free->second;
        free_from.erase(free);
      } else {
        groups.emplace_back();
      }
      groups[row].push_back(one);
      if (const auto end = life(one).seen_until()) free_from.emplace(*end, row);
    }
    std::stable_sort(groups.begin() + static_cast<std::ptrdiff_t>(first), groups.end(),
                     [this](const Group& a, const Group& b) {
                       return life(a.front()).from < life(b.front()).from;
                     });
    return groups;
  }

  const History& history_;
  std::vector<Group> children_;
  std::vector<bool> is_placed_;
  std::vector<Row> rows_;
};

}  // namespace

std::vector<Row> rows_of(const History& history) { return Layout{history}.rows(); }

std::vector<std::size_t> row_of_each(const History& history, const std::vector<Row>& rows) {
  std::vector<std::size_t> row_of(history.lives.size(), 0);
  for (std::size_t row = 0; row < rows.size(); ++row) {
    for (const std::size_t life : rows[row].lives) row_of[life] = row;
  }
  return row_of;
}

std::string label_of(const History& history, const Row& row) {
  const Life& first = history.lives[row.lives.front()];
  if (row.lives.size() == 1) {
    return std::to_string(first.pid) + (first.name.empty() ? "" : " " + first.name);
  }
  const auto all = [&](auto holds) {
    return std::all_of(row.lives.begin(), row.lives.end(),
                       [&](std::size_t one) { return holds(history.lives[one]); });
  };
  const bool have_one_name = all([&](const Life& one) { return one.name == first.name; });
  const bool are_workers = first.slot != 0 && all([](const Life& one) { return !one.exec; });
  std::string who = have_one_name ? first.name : "";
  if (first.slot != 0) who = fmt::format("{} {}", are_workers ? "worker" : "slot", first.slot);
  return fmt::format("{}{}{} processes", who, who.empty() ? "" : ": ", row.lives.size());
}

std::string branch_of(const std::vector<Row>& rows, std::size_t row, bool ascii) {
  if (!rows[row].parent) return {};
  std::string branch = rows[row].is_last ? (ascii ? "`-" : "└ ") : (ascii ? "|-" : "├ ");
  for (auto above = rows[row].parent; rows[*above].parent; above = rows[*above].parent) {
    const char* const line = ascii ? "| " : "│ ";
    branch.insert(0, rows[*above].is_last ? "  " : line);
  }
  return branch;
}

}  // namespace procrun::report
