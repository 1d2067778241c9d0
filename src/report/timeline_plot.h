#pragma once
// The drawing part of the terminal's picture: cells, and what is drawn in each.
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "report/timeline_rows.h"

namespace procrun::report {

/// What a cell shows; of two the later one wins.
enum class Mark : std::uint8_t {
  Blank,
  ForkLine,
  AdoptionLine,
  Outsider,
  Running,
  Stopped,
  Zombie,
  ForkFrom,  // on the parent's row
  ForkTo,    // on the child's
  AdoptedAbove,
  AdoptedBelow,
  Exec,
  Unseen,
  Unknown,
  Well,
  Failed,
};
constexpr std::size_t kMarks = 16;

struct Glyph {
  const char* unicode;
  const char* ascii;
  const char* colour;  // the number of an SGR sequence; empty: none
};
const Glyph& glyph_of(Mark mark);

/// The cells of all rows: the columns of time, and behind them room for how a process ended.
class Plot {
 public:
  struct Cell {
    Mark mark = Mark::Blank;
    char letter = '\0';  // instead
  };

  /// Draws only the first `count` of the rows.
  Plot(const History& history, const std::vector<Row>& rows, std::size_t count,
       std::size_t columns);

  const std::vector<Cell>& cells(std::size_t row) const { return grid_[row]; }
  /// Whether it is somewhere in the picture.
  bool shows(Mark mark) const;
  std::size_t column(Moment moment) const;

  /// Columns that stay free behind those of time.
  static constexpr std::size_t kRoom = 7;

 private:
  void put(std::size_t row, std::size_t column, Mark mark);
  void line(std::size_t from_row, std::size_t to_row, std::size_t column, Mark mark);
  void draw_row(std::size_t row);
  void draw_life(std::size_t row, const Life& life);
  void draw_state(std::size_t row, const Life& life, std::size_t end);
  void draw_fork(std::size_t row, const Life& life);
  void draw_adoption(std::size_t row, const Life& life);
  void write_ends(std::size_t row);

  const History& history_;
  const std::vector<Row>& rows_;
  std::vector<std::size_t> row_of_;
  std::size_t columns_;
  std::vector<std::vector<Cell>> grid_;
};

}  // namespace procrun::report
