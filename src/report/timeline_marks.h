#pragma once
// What the SVG's picture is made of: bars, signs, lines, and what they mean.
#include <initializer_list>
#include <string>
#include <string_view>

#include "report/svg.h"
#include "report/timeline.h"

namespace procrun::report {

/// The style sheet, and the patterns that it names.
std::string_view timeline_style();

/// A piece of a path: a command and its numbers.
std::string move(char command, std::initializer_list<double> numbers);

/// What a process is at a time: still a copy of its parent, a program of its own, or not running.
enum class Bar : std::uint8_t { Copy, Program, Stopped, Zombie };
/// Around the height `y`. A program's is one pixel wide at the least.
void draw_bar(Svg& svg, Bar what, double from, double to, double y, double height);

void draw_exec(Svg& svg, double x, double y, double size);
/// It was reaped, and ended well or not.
void draw_sign(Svg& svg, bool well, double x, double y, double size);
/// It was reaped, and nobody tells how it ended.
void draw_unknown(Svg& svg, double x, double y, double size);
void draw_unseen(Svg& svg, double x, double y, double size);
/// From the orphan's height to its new parent's.
void draw_adoption(Svg& svg, double x, double from, double to);

/// Of what is in this history, on up to two lines.
void draw_legend(Svg& svg, const History& history, double left, double y, double width);

}  // namespace procrun::report
