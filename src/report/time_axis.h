#pragma once
// Time for people: durations in the unit that suits them, and the ticks of an axis.
#include <string>
#include <vector>

#include "sys/clock.h"

namespace procrun::report {

/// Three digits at the least and the unit: "312ms", "1.25s", "3m05s", "2h10m", "850µs".
std::string duration_text(sys::Duration duration);

struct Tick {
  sys::Duration at{};
  std::string text;  // "0", "200ms", "1.5s", "2min", "1h30"
};

/// Ticks at round times from 0 up to `span`, at most `most` of them and at least that at 0.
std::vector<Tick> ticks_of(sys::Duration span, std::size_t most);

/// The same without letters beyond ASCII: "us" for "µs".
std::string in_ascii(std::string text);

}  // namespace procrun::report
