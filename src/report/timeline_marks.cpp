#include "report/timeline_marks.h"

#include <algorithm>
#include <functional>
#include <vector>

namespace procrun::report {
namespace {

/// Light and dark differ in these alone. Checked for contrast: text and marks at 4.5 to 1.
constexpr std::string_view kStyle = R"svg(<style>
svg { color-scheme: light dark; --paper: #ffffff; --ink: #1f2328; --quiet: #59636e; --rule: #e4e8ec;
  --run: #2f6fdb; --thin: #7ea6ea; --stop: #b45309; --dead: #7c3aed; --well: #1a7f37; --bad: #cf222e;
  --adopt: #bf3989; --name: #ffffff; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #0d1117; --ink: #e6edf3; --quiet: #9198a1; --rule: #262c36; --run: #388bfd;
    --thin: #2c5aa0; --stop: #e3a008; --dead: #b392f0; --well: #3fb950; --bad: #ff6b61;
    --adopt: #f778ba; --name: #05101f; }
}
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  fill: var(--ink); dominant-baseline: central; white-space: pre; }
.small { font-size: 10px; }
.tiny { font-size: 9px; }
.head { font-size: 15px; font-weight: 600; }
.quiet { fill: var(--quiet); }
.tick { fill: var(--quiet); font-size: 11px; text-anchor: middle; }
.bad { fill: var(--bad); }
.name { fill: var(--name); font-size: 10.5px; }
.z { fill: var(--dead); font-size: 10px; font-weight: 700; }
.paper { fill: var(--paper); }
.rule { stroke: var(--rule); stroke-width: 1; }
.run { fill: var(--run); }
.thin { fill: var(--thin); }
.stop { fill: url(#stopped); stroke: var(--stop); stroke-width: 1; }
.dead { fill: url(#zombie); stroke: var(--dead); stroke-width: 1; }
.bars { fill: var(--stop); }
.hatch { stroke: var(--dead); stroke-width: 1.4; }
.fork { fill: none; stroke: var(--quiet); stroke-width: 1.3; }
.exec { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
.well { fill: var(--well); }
.failed { fill: var(--bad); }
.unknown { fill: var(--stop); }
.what { fill: var(--paper); font-size: 10px; font-weight: 700; text-anchor: middle; }
.sign { fill: none; stroke: var(--paper); stroke-width: 1.7; stroke-linecap: round;
  stroke-linejoin: round; }
.on { fill: none; stroke: var(--stop); stroke-width: 2; stroke-linecap: round;
  stroke-linejoin: round; }
.adopt { fill: none; stroke: var(--adopt); stroke-width: 1.8; stroke-dasharray: 4 3; }
.tip { fill: var(--adopt); }
.outsider { stroke: var(--quiet); stroke-width: 1.5; stroke-dasharray: 1.5 4; }
</style>
<defs>
<pattern id="stopped" width="7" height="7" patternUnits="userSpaceOnUse">
<rect class="bars" x="1" y="0" width="2" height="7"/>
</pattern>
<pattern id="zombie" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<line class="hatch" x1="0" y1="0" x2="0" y2="6"/>
</pattern>
</defs>
)svg";

/// One sign of the legend.
struct Entry {
  bool is_shown = false;
  double width = 0;
  std::string text = {};
  std::function<void(double x, double y)> draw = {};
};

std::vector<Entry> entries(Svg& svg, const History& history) {
  const auto has = [&history](auto holds) {
    return std::any_of(history.lives.begin(), history.lives.end(), holds);
  };
  const auto was = [&](Life::State state) {
    return has([state](const Life& one) {
      return std::any_of(one.changes.begin(), one.changes.end(),
                         [state](const auto& change) { return change.state == state; });
    });
  };
  const auto bar = [&svg](Bar what, double x, double width, double y) {
    draw_bar(svg, what, x, x + width, y, 12);
  };
  return {
      {has([](const Life& one) { return one.is_born && one.parent != Life::kNobody; }), 22,
       "fork: a copy runs",
       [&svg, bar](double x, double y) {
         svg.path("fork", move('M', {x + 2, y - 8}) + move('V', {y - 4}) + move('q', {0, 4, 4, 4}));
         bar(Bar::Copy, x + 6, 16, y);
       }},
      {has([](const Life& one) { return one.exec.has_value(); }), 24, "exec: a program runs",
       [&svg, bar](double x, double y) {
         bar(Bar::Program, x + 6, 18, y);
         draw_exec(svg, x + 7, y, 7);
       }},
      {was(Life::State::Stopped), 22, "stopped",
       [bar](double x, double y) { bar(Bar::Stopped, x, 22, y); }},
      {was(Life::State::Zombie), 26, "zombie",
       [bar](double x, double y) { bar(Bar::Zombie, x, 26, y); }},
      {has([](const Life& one) { return one.ended_well(); }), 14, "exited with 0, reaped",
       [&svg](double x, double y) { draw_sign(svg, true, x + 7, y, 7); }},
      {has([](const Life& one) { return one.ended_badly(); }), 14, "ended otherwise, reaped",
       [&svg](double x, double y) { draw_sign(svg, false, x + 7, y, 7); }},
      {has([](const Life& one) { return one.ended_unknown(); }), 14, "ended, how is not known",
       [&svg](double x, double y) { draw_unknown(svg, x + 7, y, 7); }},
      {has([](const Life& one) { return one.is_unfinished(); }), 10, "seen no further",
       [&svg](double x, double y) { draw_unseen(svg, x + 3, y, 8); }},
      {has([](const Life& one) { return one.adopted.has_value(); }), 10, "adoption",
       [&svg](double x, double y) { draw_adoption(svg, x + 5, y + 8, y - 9); }},
      {has([](const Life& one) { return one.is_outsider; }), 22, "not of this run",
       [&svg](double x, double y) { svg.line("outsider", x, y, x + 22, y); }},
  };
}

}  // namespace

std::string_view timeline_style() { return kStyle; }

std::string move(char command, std::initializer_list<double> numbers) {
  std::string text(1, command);
  for (const double number : numbers) text += (text.size() == 1 ? "" : " ") + px(number);
  return text;
}

void draw_bar(Svg& svg, Bar what, double from, double to, double y, double height) {
  if (to <= from && what != Bar::Program) return;
  const double width = std::max(to - from, 1.0);
  switch (what) {
    case Bar::Copy: {
      const double thin = height * 0.45;
      return svg.rect("thin", from, y - thin / 2, width, thin, std::min(2.0, width / 2));
    }
    case Bar::Program:
      return svg.rect("run", from, y - height / 2, width, height, std::min(2.5, width / 2));
    case Bar::Stopped:
      return svg.rect("stop", from, y - height / 2, width, height, std::min(2.0, width / 2));
    case Bar::Zombie:
      break;
  }
  svg.rect("dead", from, y - height / 2, width, height, std::min(2.0, width / 2));
  if (width < 22) return;
  svg.rect("paper", from + 4, y - 6, 12, 12, 3);
  svg.text("z", from + 7, y, "Z");
}

void draw_exec(Svg& svg, double x, double y, double size) {
  const double r = size * 0.85;
  svg.path("exec", move('M', {x, y - r}) + move('l', {r, r}) + move('l', {-r, r}) +
                       move('l', {-r, -r}) + "z");
}

void draw_sign(Svg& svg, bool well, double x, double y, double size) {
  const double s = size * 0.42;
  svg.circle(well ? "well" : "failed", x, y, size);
  svg.path("sign", well ? move('M', {x - s, y + s * 0.1}) + move('l', {s * 0.75, s * 0.8}) +
                              move('l', {s * 1.2, -s * 1.6})
                        : move('M', {x - s, y - s}) + move('l', {2 * s, 2 * s}) +
                              move('m', {0, -2 * s}) + move('l', {-2 * s, 2 * s}));
}

void draw_unknown(Svg& svg, double x, double y, double size) {
  svg.circle("unknown", x, y, size);
  svg.text("what", x, y, "?");
}

void draw_unseen(Svg& svg, double x, double y, double size) {
  const double s = size * 0.6;
  svg.path("on", move('M', {x, y - s}) + move('l', {s, s}) + move('l', {-s, s}));
}

void draw_adoption(Svg& svg, double x, double from, double to) {
  const double back = to < from ? 6 : -6;
  svg.path("adopt", move('M', {x, from}) + move('V', {to + back}));
  svg.path("tip", move('M', {x, to}) + move('l', {4.5, back * 1.35}) + move('h', {-9}) + "z");
  svg.circle("tip", x, from, 3.2);
}

void draw_legend(Svg& svg, const History& history, double left, double y, double width) {
  double x = left;
  for (const Entry& entry : entries(svg, history)) {
    if (!entry.is_shown) continue;
    const double letters = static_cast<double>(entry.text.size()) * 6.1;
    if (x > left && x + entry.width + 6 + letters > left + width) {
      x = left;
      y += 20;
    }
    entry.draw(x, y);
    svg.text("small quiet", x + entry.width + 6, y, entry.text);
    x += entry.width + 6 + letters + 18;
  }
}

}  // namespace procrun::report
