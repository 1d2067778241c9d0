#include "report/time_axis.h"

#include <fmt/core.h>

#include <algorithm>

namespace procrun::report {
namespace {

using namespace std::chrono_literals;
using sys::Duration;

constexpr Duration kMinute = 1min;
constexpr Duration kHour = 1h;
constexpr Duration kDay = 24h;

/// 1, 2 and 5 in each decade below a second, then what clocks have.
std::vector<Duration> round_steps() {
  std::vector<Duration> steps;
  for (Duration decade = 1us; decade < 1s; decade *= 10) {
    for (const int factor : {1, 2, 5}) steps.push_back(decade * factor);
  }
  for (const int seconds : {1, 2, 5, 10, 15, 30}) steps.push_back(1s * seconds);
  for (const int minutes : {1, 2, 5, 10, 15, 30}) steps.push_back(1min * minutes);
  for (const int hours : {1, 2, 3, 6, 12}) steps.push_back(1h * hours);
  for (Duration days = kDay; days < kDay * 36500; days *= 2) steps.push_back(days);
  return steps;
}

Duration step_for(Duration span, std::size_t most) {
  const auto steps = round_steps();
  const auto fits = [&](Duration step) {
    return static_cast<std::size_t>(span / step) + 1 <= std::max<std::size_t>(most, 1);
  };
  const auto found = std::find_if(steps.begin(), steps.end(), fits);
  return found == steps.end() ? span + Duration{1} : *found;
}

/// In the largest unit up to seconds that it has one of, or in that of steps beyond.
std::string tick_text(Duration at, Duration step) {
  if (at.count() == 0) return "0";
  const auto count = static_cast<double>(at.count());
  if (at < 1ms) return fmt::format("{}µs", at / 1us);
  if (at < 1s) return fmt::format("{:g}ms", count / 1e6);
  if (step < kMinute) return fmt::format("{:g}s", count / 1e9);
  if (step >= kDay) return fmt::format("{}d", at / kDay);
  const auto minutes = at % kHour / kMinute;
  if (at < kHour) return fmt::format("{}min", minutes);
  return minutes == 0 ? fmt::format("{}h", at / kHour)
                      : fmt::format("{}h{:02}", at / kHour, minutes);
}

/// With three digits.
std::string in_unit(double value, const char* unit) {
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, unit);
}

}  // namespace

std::string duration_text(Duration duration) {
  const auto count = static_cast<double>(std::max<Duration::rep>(duration.count(), 0));
  if (duration < 999500ns) return fmt::format("{:.0f}µs", count / 1e3);
  if (duration < 999500us) return in_unit(count / 1e6, "ms");
  if (duration < kMinute) return in_unit(count / 1e9, "s");
  const auto minutes = duration / kMinute;
  if (duration < kHour) return fmt::format("{}m{:02}s", minutes, duration % kMinute / 1s);
  return fmt::format("{}h{:02}m", duration / kHour, duration % kHour / kMinute);
}

std::vector<Tick> ticks_of(Duration span, std::size_t most) {
  const Duration step = step_for(span, most);
  std::vector<Tick> ticks;
  for (Duration at{}; at <= span; at += step) ticks.push_back({at, tick_text(at, step)});
  return ticks;
}

std::string in_ascii(std::string text) {
  for (std::size_t at; (at = text.find("µ")) != std::string::npos;) {
    text.replace(at, std::string_view{"µ"}.size(), "u");
  }
  return text;
}

}  // namespace procrun::report
