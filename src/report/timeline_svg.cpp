#include "report/timeline_svg.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <optional>

#include "report/svg.h"
#include "report/text_width.h"
#include "report/time_axis.h"
#include "report/timeline_marks.h"
#include "report/timeline_rows.h"

namespace procrun::report {
namespace {

constexpr double kWidth = 1000;
constexpr double kMargin = 20;
constexpr double kHead = 78;    // title and axis
constexpr double kFoot = 60;    // legend, of up to two lines
constexpr double kIndent = 14;  // of a step down the tree
constexpr double kMostLabel = 290;
constexpr double kRoomForEnd = 78;  // behind the axis
constexpr std::size_t kTicks = 8;
constexpr std::size_t kMostSentences = 50;

/// How large things are, by how many rows there are.
struct Sizes {
  double row = 28;
  double text = 7.25;  // of one letter
  std::string_view label = "label";
};

Sizes sizes_for(std::size_t rows) {
  if (rows <= 40) return {};
  if (rows <= 120) return {.row = 20, .text = 6.05, .label = "label small"};
  return {.row = 14, .text = 5.45, .label = "label tiny"};
}

class Picture {
 public:
  explicit Picture(const History& history)
      : history_{history},
        rows_{rows_of(history)},
        row_of_{row_of_each(history, rows_)},
        sizes_{sizes_for(rows_.size())} {
    double widest = 0;
    for (const Row& row : rows_) {
      const double letters = static_cast<double>(columns_of(label_of(history, row)));
      widest = std::max(widest, row.depth * kIndent + letters * sizes_.text);
    }
    left_ = kMargin + std::min(widest, kMostLabel) + 18;
    right_ = kWidth - kMargin - kRoomForEnd;
    bottom_ = kHead + static_cast<double>(rows_.size()) * sizes_.row + 6;
  }

  std::string svg(const std::string& title) {
    const double height = bottom_ + kFoot + (history_.left_out != 0 ? 18 : 0);
    begin(title, height);
    draw_axis();
    for (std::size_t row = 0; row < rows_.size(); ++row) draw_label(row);
    for (std::size_t row = 0; row < rows_.size(); ++row) draw_forks(row);
    for (std::size_t row = 0; row < rows_.size(); ++row) draw_row(row);
    for (std::size_t row = 0; row < rows_.size(); ++row) draw_adoptions(row);
    svg_.line("rule", kMargin, bottom_, kWidth - kMargin, bottom_);
    draw_legend(svg_, history_, kMargin, bottom_ + 22, kWidth - 2 * kMargin);
    if (history_.left_out != 0) {
      svg_.text("small quiet", kMargin, height - 14,
                fmt::format("and {} more processes, of which nothing was kept", history_.left_out));
    }
    svg_.add("</svg>\n");
    return svg_.markup();
  }

 private:
  const Life& life(std::size_t i) const { return history_.lives[i]; }
  double y_of(std::size_t row) const {
    return kHead + (static_cast<double>(row) + 0.5) * sizes_.row;
  }
  double x_of(Moment moment) const {
    const auto span = static_cast<double>(
        std::max<sys::Duration::rep>((history_.ended - history_.began).count(), 1));
    const double at = static_cast<double>((moment - history_.began).count());
    return left_ + std::clamp(at / span, 0.0, 1.0) * (right_ - left_);
  }
  double end_of(const Life& one) const {
    return std::max(x_of(one.seen_until().value_or(history_.ended)), x_of(one.from));
  }
  double thick() const { return sizes_.row * 0.56; }
  double mark() const { return std::min(sizes_.row * 0.29, 7.5); }

  void begin(const std::string& title, double height);
  void describe();
  void draw_axis();
  void draw_label(std::size_t row);
  void draw_forks(std::size_t row);
  void draw_row(std::size_t row);
  void draw_life(std::size_t row, const Life& one, double free_until);
  void draw_states(const Life& one, double y);
  void draw_name(const Life& one, double from, double to, double y);
  void draw_end(const Life& one, double y, double free_until, bool is_alone);
  void draw_adoptions(std::size_t row);
  void draw_block(const std::vector<std::size_t>& lives, double y);
  bool is_speck(const Life& one) const { return end_of(one) - x_of(one.from) < 3; }

  const History& history_;
  std::vector<Row> rows_;
  std::vector<std::size_t> row_of_;
  Sizes sizes_;
  double left_ = 0;
  double right_ = 0;
  double bottom_ = 0;
  Svg svg_;
};

void Picture::begin(const std::string& title, double height) {
  svg_.add(fmt::format(
      R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0}" height="{1}" viewBox="0 0 {0} {1}" )"
      R"(role="img" aria-labelledby="title desc">)",
      px(kWidth), px(height)));
  const std::size_t count = history_.lives.size();
  const std::string headline =
      fmt::format("{}: {} process{}, {}", title, count, count == 1 ? "" : "es",
                  duration_text(history_.ended - history_.began));
  svg_.add("\n<title id=\"title\">" + xml(headline) + "</title>\n");
  describe();
  svg_.add(timeline_style());
  svg_.rect("paper", 0, 0, kWidth, height, 8);
  svg_.text("head", kMargin, 26, headline);
}

/// The picture in words, for those who do not see it.
void Picture::describe() {
  std::string text = "Processes on one time axis, parents above their children.";
  for (std::size_t i = 0; i < std::min(history_.lives.size(), kMostSentences); ++i) {
    const Life& one = life(i);
    text += fmt::format(" {} {}: {}.", one.pid, one.name, story_of(history_, one));
  }
  if (history_.lives.size() > kMostSentences) {
    text += fmt::format(" And {} more.", history_.lives.size() - kMostSentences);
  }
  svg_.add("<desc id=\"desc\">" + xml(text) + "</desc>\n");
}

void Picture::draw_axis() {
  for (const Tick& tick : ticks_of(history_.ended - history_.began, kTicks)) {
    const double x = x_of(history_.began + tick.at);
    svg_.line("rule", x, kHead - 10, x, bottom_);
    svg_.text("tick", x, kHead - 20, tick.text);
  }
  svg_.line("rule", kMargin, kHead - 5, kWidth - kMargin, kHead - 5);
}

void Picture::draw_label(std::size_t row) {
  const double x = kMargin + rows_[row].depth * kIndent;
  const double y = y_of(row);
  const auto letters = static_cast<std::size_t>(std::max((left_ - 12 - x) / sizes_.text, 4.0));
  std::string label = label_of(history_, rows_[row]);
  if (columns_of(label) > letters) label = fitted(label, letters, "…");
  svg_.text(sizes_.label, x, y, label);
  if (!rows_[row].parent) return;
  // The tree beside it.
  const double parent_y = y_of(*rows_[row].parent) + sizes_.row * 0.32;
  svg_.path("fork", move('M', {x - 9, parent_y}) + move('V', {y}) + move('h', {6}));
}

void Picture::draw_forks(std::size_t row) {
  std::optional<double> last;
  for (const std::size_t i : rows_[row].lives) {
    const Life& one = life(i);
    if (!one.is_born || one.parent == Life::kNobody) continue;
    const double x = x_of(one.from);
    if (last && x - *last < 5) continue;  // a comb says no more
    last = x;
    const double parent_y = y_of(row_of_[static_cast<std::size_t>(one.parent)]);
    const double bend = std::min({6.0, sizes_.row / 4, std::max(end_of(one) - x, 0.0)});
    const double y = y_of(row);
    const double up = y > parent_y ? -bend : bend;
    svg_.path("fork",
              move('M', {x, parent_y}) + move('V', {y + up}) + move('q', {0, -up, bend, -up}));
  }
}

void Picture::draw_row(std::size_t row) {
  const auto& lives = rows_[row].lives;
  const auto begin_of = [&](std::size_t at) {
    return at < lives.size() ? x_of(life(lives[at]).from) : kWidth - kMargin;
  };
  for (std::size_t at = 0; at < lives.size();) {
    std::size_t next = at + 1;
    // Specks that touch are one block, or a hundred thousand jobs would be as many elements.
    while (next < lives.size() && is_speck(life(lives[next - 1])) && is_speck(life(lives[next])) &&
           begin_of(next) - end_of(life(lives[next - 1])) < 1.5) {
      ++next;
    }
    if (next - at > 1) {
      draw_block({lives.begin() + static_cast<std::ptrdiff_t>(at),
                  lives.begin() + static_cast<std::ptrdiff_t>(next)},
                 y_of(row));
    } else {
      draw_life(row, life(lives[at]), begin_of(next));
    }
    at = next;
  }
}

void Picture::draw_block(const std::vector<std::size_t>& lives, double y) {
  std::size_t failed = 0;
  double end = 0;
  for (const std::size_t i : lives) {
    failed += life(i).ended_badly() ? 1 : 0;
    end = std::max(end, end_of(life(i)));
  }
  svg_.open(fmt::format("{} processes, of which {} did not exit with 0", lives.size(), failed));
  const double from = x_of(life(lives.front()).from);
  svg_.rect("run", from, y - thick() / 2, std::max(end - from, 1.0), thick(), 1);
  std::optional<double> last;
  for (const std::size_t i : lives) {
    if (!life(i).ended_badly()) continue;
    const double x = end_of(life(i));
    if (last && x - *last < 1.5) continue;
    last = x;
    svg_.rect("failed", x - 0.75, y - thick() / 2, 1.5, thick(), 0);
  }
  svg_.close();
}

void Picture::draw_life(std::size_t row, const Life& one, double free_until) {
  const double y = y_of(row);
  svg_.open(fmt::format("{} {}: {}", one.pid, one.name, story_of(history_, one)));
  if (one.is_outsider) {
    svg_.line("outsider", left_, y, right_, y);
  } else {
    draw_states(one, y);
    const bool is_alone = rows_[row].lives.size() == 1;
    const double from = x_of(one.exec.value_or(one.from));
    const double to = end_of(one);
    if (one.exec && to - from > 4 * mark()) {
      // Where others may be near, its marks stand within its bar.
      draw_exec(svg_, from + (is_alone ? 0 : 0.85 * mark()), y, mark());
      if (!is_alone) draw_name(one, from + 2.4 * mark(), to - 2.6 * mark(), y);
    }
    draw_end(one, y, free_until, is_alone);
  }
  svg_.close();
}

void Picture::draw_states(const Life& one, double y) {
  const double exec = one.exec ? x_of(*one.exec) : end_of(one);
  double from = x_of(one.from);
  auto state = Life::State::Running;
  const auto stretch = [&](double to) {
    if (state != Life::State::Running) {
      draw_bar(svg_, state == Life::State::Stopped ? Bar::Stopped : Bar::Zombie, from, to, y,
               thick());
    } else if (one.is_born && from < exec) {
      // A copy of its parent is thin; what runs a program of its own is not.
      draw_bar(svg_, Bar::Copy, from, std::min(exec, to), y, thick());
      if (exec < to) draw_bar(svg_, Bar::Program, exec, to, y, thick());
    } else {
      draw_bar(svg_, Bar::Program, from, to, y, thick());
    }
    from = to;
  };
  for (const auto& change : one.changes) {
    stretch(std::max(x_of(change.at), from));
    state = change.state;
  }
  stretch(std::max(end_of(one), from));
}

/// Inside its bar, where it has room.
void Picture::draw_name(const Life& one, double from, double to, double y) {
  if (sizes_.row < 20 || !one.changes.empty() || to - from < 4 * 6.4) return;
  const auto letters = static_cast<std::size_t>((to - from) / 6.4);
  const std::string name =
      columns_of(one.name) > letters ? fitted(one.name, letters, "…") : one.name;
  svg_.text("name", from, y, name);
}

void Picture::draw_end(const Life& one, double y, double free_until, bool is_alone) {
  const double r = mark();
  const double width = end_of(one) - x_of(one.from);
  const bool has_room = is_alone || width > 3 * r;
  const double x = end_of(one) - (is_alone || !has_room ? 0 : r);
  const bool well = one.ended_well();
  if (one.is_unfinished()) {
    draw_unseen(svg_, x + 3, y, r);
  } else if (one.ended_unknown()) {
    draw_unknown(svg_, x, y, r);
  } else if (well && has_room) {
    draw_sign(svg_, true, x, y, r);
  } else if (one.ended_badly() && has_room) {
    draw_sign(svg_, false, x, y, r);
  } else if (one.ended_badly()) {
    svg_.rect("failed", x - 1, y - thick() / 2 - 1, 2, thick() + 2, 0);
  }
  std::string text;
  const int status = one.status.value_or(0);
  if (status != 0) text = (WIFEXITED(status) ? "code " : "") + short_end(status);
  // Of a stranger it is not known how long it has lived.
  if (well && is_alone && !one.is_watched) text = duration_text(*one.reaped - one.from);
  const double right = x + r + 5 + static_cast<double>(columns_of(text)) * 6.6;
  if (text.empty() || right > std::min(free_until, kWidth - 4)) return;
  svg_.text(well ? "small quiet" : "small bad", x + r + 5, y, text);
}

void Picture::draw_adoptions(std::size_t row) {
  std::optional<double> last;
  for (const std::size_t i : rows_[row].lives) {
    const Life& one = life(i);
    if (!one.adopted || one.adopter == Life::kNobody) continue;
    const double x = x_of(*one.adopted);
    if (last && x - *last < 2) continue;
    last = x;
    const double y = y_of(row);
    const double to = y_of(row_of_[static_cast<std::size_t>(one.adopter)]);
    svg_.open(fmt::format("{} {}: {}", one.pid, one.name, story_of(history_, one)));
    draw_adoption(svg_, x, y, to);
    svg_.close();
  }
}

}  // namespace

std::string timeline_svg(const History& history, const std::string& title) {
  if (history.lives.empty()) return {};
  return Picture{history}.svg(title);
}

}  // namespace procrun::report
