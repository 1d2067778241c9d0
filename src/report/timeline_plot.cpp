#include "report/timeline_plot.h"

#include <algorithm>
#include <optional>

namespace procrun::report {
namespace {

constexpr std::array<Glyph, kMarks> kGlyphs{{
    {" ", " ", ""},      // Blank
    {"│", "|", "2"},     // ForkLine
    {"║", ":", "95"},    // AdoptionLine
    {"┄", "~", "2"},     // Outsider
    {"━", "=", "32"},    // Running
    {"╌", ".", "33"},    // Stopped
    {"░", "z", "35"},    // Zombie
    {"┯", "+", "32"},    // ForkFrom
    {"╰", "`", "2"},     // ForkTo
    {"╨", "A", "95"},    // AdoptedAbove
    {"╥", "V", "95"},    // AdoptedBelow
    {"◆", ">", "36"},    // Exec
    {"→", "?", "33"},    // Unseen
    {"■", "#", "33"},    // Unknown
    {"✓", "o", "1"},     // Well
    {"✗", "x", "1;31"},  // Failed
}};

Mark mark_of(Life::State state) {
  switch (state) {
    case Life::State::Stopped:
      return Mark::Stopped;
    case Life::State::Zombie:
      return Mark::Zombie;
    case Life::State::Running:
      break;
  }
  return Mark::Running;
}

/// How it ended, or that nobody saw it.
std::optional<Mark> end_mark_of(const Life& life) {
  if (life.ended_well()) return Mark::Well;
  if (life.ended_badly()) return Mark::Failed;
  if (life.ended_unknown()) return Mark::Unknown;
  return life.is_unfinished() ? std::optional{Mark::Unseen} : std::nullopt;
}

}  // namespace

const Glyph& glyph_of(Mark mark) { return kGlyphs[static_cast<std::size_t>(mark)]; }

Plot::Plot(const History& history, const std::vector<Row>& rows, std::size_t count,
           std::size_t columns)
    : history_{history},
      rows_{rows},
      row_of_{row_of_each(history, rows)},
      columns_{columns},
      grid_(count, std::vector<Cell>(columns + kRoom)) {
  for (std::size_t row = 0; row < count; ++row) draw_row(row);
  for (std::size_t row = 0; row < count; ++row) write_ends(row);
}

std::size_t Plot::column(Moment moment) const {
  const auto span = std::max<sys::Duration::rep>((history_.ended - history_.began).count(), 1);
  const auto at = std::clamp<sys::Duration::rep>((moment - history_.began).count(), 0, span);
  return static_cast<std::size_t>(static_cast<double>(at) / static_cast<double>(span) *
                                  static_cast<double>(columns_ - 1));
}

bool Plot::shows(Mark mark) const {
  const auto has_it = [mark](const std::vector<Cell>& cells) {
    return std::any_of(cells.begin(), cells.end(), [mark](const Cell& cell) {
      return cell.mark == mark && cell.letter == '\0';
    });
  };
  return std::any_of(grid_.begin(), grid_.end(), has_it);
}

void Plot::put(std::size_t row, std::size_t column, Mark mark) {
  if (row >= grid_.size()) return;
  Cell& cell = grid_[row][column];
  cell.mark = std::max(cell.mark, mark);
}

void Plot::line(std::size_t from_row, std::size_t to_row, std::size_t column, Mark mark) {
  const auto [first, last] = std::minmax(from_row, to_row);
  for (std::size_t row = first + 1; row < last; ++row) put(row, column, mark);
}

void Plot::draw_row(std::size_t row) {
  for (const std::size_t one : rows_[row].lives) draw_life(row, history_.lives[one]);
}

void Plot::draw_life(std::size_t row, const Life& life) {
  if (life.is_outsider) {
    for (std::size_t at = 0; at < columns_; ++at) put(row, at, Mark::Outsider);
    return;
  }
  const std::size_t begin = column(life.from);
  const std::size_t end = std::max(column(life.seen_until().value_or(history_.ended)), begin);
  draw_state(row, life, end);
  draw_fork(row, life);
  draw_adoption(row, life);
  if (life.exec) {
    // Beside the fork, from which it is seldom a column away.
    const std::size_t at = std::max(column(*life.exec), begin + (life.is_born ? 1 : 0));
    if (at <= end) put(row, at, Mark::Exec);
  }
  if (const auto mark = end_mark_of(life)) put(row, end, *mark);
}

void Plot::draw_state(std::size_t row, const Life& life, std::size_t end) {
  std::size_t at = column(life.from);
  Mark mark = Mark::Running;
  for (const auto& change : life.changes) {
    for (const std::size_t next = column(change.at); at < next; ++at) put(row, at, mark);
    mark = mark_of(change.state);
  }
  for (; at <= end; ++at) put(row, at, mark);
}

void Plot::draw_fork(std::size_t row, const Life& life) {
  if (!life.is_born || life.parent == Life::kNobody) return;
  const std::size_t parent = row_of_[static_cast<std::size_t>(life.parent)];
  const std::size_t at = column(life.from);
  put(parent, at, Mark::ForkFrom);
  line(parent, row, at, Mark::ForkLine);
  put(row, at, Mark::ForkTo);
}

void Plot::draw_adoption(std::size_t row, const Life& life) {
  if (!life.adopted || life.adopter == Life::kNobody) return;
  const std::size_t adopter = row_of_[static_cast<std::size_t>(life.adopter)];
  const std::size_t at = column(*life.adopted);
  const bool is_above = adopter < row;
  put(adopter, at, is_above ? Mark::AdoptedBelow : Mark::AdoptedAbove);
  line(adopter, row, at, Mark::AdoptionLine);
  put(row, at, is_above ? Mark::AdoptedAbove : Mark::AdoptedBelow);
}

/// Behind those that did not end well, where there is room.
void Plot::write_ends(std::size_t row) {
  for (const std::size_t one : rows_[row].lives) {
    const Life& life = history_.lives[one];
    if (life.status.value_or(0) == 0) continue;
    const std::string text = short_end(*life.status);
    auto& cells = grid_[row];
    const std::size_t at = column(life.seen_until().value_or(history_.ended)) + 2;
    if (at + text.size() > cells.size()) continue;
    const auto is_free = [&](std::size_t i) {
      return cells[i].mark == Mark::Blank && cells[i].letter == '\0';
    };
    bool has_room = true;
    for (std::size_t i = at - 1; i < std::min(at + text.size() + 1, cells.size()); ++i) {
      has_room = has_room && is_free(i);
    }
    for (std::size_t i = 0; has_room && i < text.size(); ++i) cells[at + i].letter = text[i];
  }
}

}  // namespace procrun::report
