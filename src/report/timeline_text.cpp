#include "report/timeline_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "report/text_width.h"
#include "report/time_axis.h"
#include "report/timeline_plot.h"

namespace procrun::report {
namespace {

/// Less than that shows nothing.
constexpr std::size_t kLeastColumns = 10;
constexpr std::size_t kMostLabel = 40;
constexpr std::size_t kColumnsOfTick = 9;
constexpr std::size_t kLeastWidth = 40;

/// Glyphs that mean one thing together.
struct Entry {
  std::array<Mark, 3> marks;  // Blank: no further one
  std::string_view meaning;
};
constexpr std::array kLegend{
    Entry{{Mark::Running}, "running"},
    Entry{{Mark::Stopped}, "stopped"},
    Entry{{Mark::Zombie}, "zombie"},
    Entry{{Mark::ForkFrom, Mark::ForkLine, Mark::ForkTo}, "fork"},
    Entry{{Mark::Exec}, "exec"},
    Entry{{Mark::Well}, "exited with 0, reaped"},
    Entry{{Mark::Failed}, "ended otherwise, reaped"},
    Entry{{Mark::Unknown}, "ended, how is not known"},
    Entry{{Mark::Unseen}, "seen no further"},
    Entry{{Mark::AdoptedBelow, Mark::AdoptionLine, Mark::AdoptedAbove}, "adoption"},
    Entry{{Mark::Outsider}, "not of this run"},
};

class Drawing {
 public:
  Drawing(const History& history, const TextStyle& style)
      : history_{history},
        style_{style},
        rows_{rows_of(history)},
        count_{std::min(rows_.size(), style.most_rows)},
        label_width_{width_of_labels()},
        columns_{columns_of_time()},
        plot_{history_, rows_, count_, columns_} {}

  std::string text(const std::string& title) const {
    std::string text = headline(title) + axis();
    for (std::size_t row = 0; row < count_; ++row) text += line_of(row);
    return text + rest() + legend();
  }

 private:
  std::string label(std::size_t row) const {
    std::string text = label_of(history_, rows_[row]);
    if (style_.ascii) text = ascii_only(text);
    return branch_of(rows_, row, style_.ascii) + text;
  }

  std::size_t width_of_labels() const {
    std::size_t widest = 0;
    for (std::size_t row = 0; row < count_; ++row)
      widest = std::max(widest, columns_of(label(row)));
    return std::min({widest, style_.width * 9 / 20, kMostLabel});
  }

  std::size_t columns_of_time() const {
    const std::size_t taken = label_width_ + 1 + Plot::kRoom;
    return std::max(style_.width > taken ? style_.width - taken : 0, kLeastColumns);
  }

  std::string headline(const std::string& title) const {
    const std::size_t count = history_.lives.size();
    const std::string line =
        fmt::format("{}: {} process{}, {}", title, count, count == 1 ? "" : "es",
                    duration_text(history_.ended - history_.began));
    return painted(cut(line), "1") + "\n";
  }

  std::string axis() const {
    std::string numbers;
    std::string line;
    const std::size_t most = std::max<std::size_t>(columns_ / kColumnsOfTick, 1);
    std::size_t wide = 0;
    std::vector<bool> is_tick(columns_, false);
    for (const Tick& tick : ticks_of(history_.ended - history_.began, most)) {
      const std::size_t at = plot_.column(history_.began + tick.at);
      is_tick[at] = true;
      if (at < wide) continue;
      numbers += std::string(at - wide, ' ') + tick.text;
      wide = at + columns_of(tick.text);
    }
    for (std::size_t i = 0; i < columns_; ++i) {
      line += is_tick[i] ? (style_.ascii ? "+" : "┬") : (style_.ascii ? "-" : "─");
    }
    const std::string margin(label_width_ + 1, ' ');
    return cut(margin + numbers) + "\n" + margin + painted(line, "2") + "\n";
  }

  std::string line_of(std::size_t row) const {
    std::string line = fitted(label(row), label_width_, style_.ascii ? "~" : "…") + " ";
    const auto& cells = plot_.cells(row);
    std::size_t end = cells.size();
    const auto is_blank = [](const Plot::Cell& cell) {
      return cell.mark == Mark::Blank && cell.letter == '\0';
    };
    while (end > 0 && is_blank(cells[end - 1])) --end;
    for (std::size_t at = 0; at < end;) {
      // Neighbours of one colour together.
      const std::string colour = colour_of(cells[at]);
      std::string run;
      for (; at < end && colour_of(cells[at]) == colour; ++at) run += shown(cells[at]);
      line += painted(run, colour);
    }
    return line + "\n";
  }

  std::string colour_of(const Plot::Cell& cell) const {
    if (!style_.colour) return {};
    return cell.letter != '\0' ? glyph_of(Mark::Failed).colour : glyph_of(cell.mark).colour;
  }

  std::string shown(const Plot::Cell& cell) const {
    if (cell.letter != '\0') return {cell.letter};
    const Glyph& glyph = glyph_of(cell.mark);
    return style_.ascii ? glyph.ascii : glyph.unicode;
  }

  std::string rest() const {
    std::string text;
    if (count_ < rows_.size()) {
      text += cut(fmt::format("and {} more rows (--timeline=FILE.svg draws them all)",
                              rows_.size() - count_)) +
              "\n";
    }
    if (history_.left_out != 0) {
      text +=
          cut(fmt::format("and {} more processes, of which nothing was kept", history_.left_out)) +
          "\n";
    }
    return text;
  }

  /// Of what is in this picture.
  std::string legend() const {
    std::string text;
    std::size_t wide = 0;
    for (const Entry& entry : kLegend) {
      const auto is_shown = [this](Mark mark) { return mark != Mark::Blank && plot_.shows(mark); };
      if (std::none_of(entry.marks.begin(), entry.marks.end(), is_shown)) continue;
      const std::string glyphs = joined(entry.marks);
      const std::string meaning{entry.meaning};
      const std::size_t columns = columns_of(glyphs) + 1 + meaning.size();
      const bool begins_line = wide == 0 || wide + 3 + columns > style_.width;
      if (wide != 0) text += begins_line ? "\n" : "   ";
      wide = begins_line ? columns : wide + 3 + columns;
      text += painted(glyphs, glyph_of(entry.marks[0]).colour) + " " + meaning;
    }
    return text + "\n";
  }

  std::string joined(const std::array<Mark, 3>& marks) const {
    std::string text;
    for (const Mark mark : marks) {
      if (mark != Mark::Blank) text += shown({.mark = mark});
    }
    return text;
  }

  std::string cut(const std::string& line) const {
    std::string plain = style_.ascii ? ascii_only(in_ascii(line)) : line;
    if (columns_of(plain) > style_.width) {
      plain = fitted(plain, style_.width, style_.ascii ? "~" : "…");
    }
    return plain;
  }

  std::string painted(const std::string& text, const std::string& colour) const {
    if (!style_.colour || colour.empty() || text.empty()) return text;
    return "\033[" + colour + "m" + text + "\033[0m";
  }

  const History& history_;
  TextStyle style_;
  std::vector<Row> rows_;
  std::size_t count_;
  std::size_t label_width_;
  std::size_t columns_;
  Plot plot_;
};

}  // namespace

std::string timeline_text(const History& history, const std::string& title,
                          const TextStyle& style) {
  if (history.lives.empty()) return {};
  TextStyle roomy = style;
  roomy.width = std::max(style.width, kLeastWidth);
  return Drawing{history, roomy}.text(title);
}

}  // namespace procrun::report
