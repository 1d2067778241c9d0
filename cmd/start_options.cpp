#include "cmd/start_options.h"

#include <charconv>
#include <cmath>
#include <stdexcept>

#include "input/quantity.h"
#include "input/shell.h"
#include "sys/cpus.h"
#include "sys/machine.h"

namespace procrun::cmd {
namespace {

/// N, or N% of the processors. A load of nothing at all is hardly ever seen: it is refused.
double parse_load(const std::string& text) {
  const bool percent = text.ends_with('%');
  const char* const end = text.data() + text.size() - (percent ? 1 : 0);
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{} || stop != end || !std::isfinite(number) || number <= 0) {
    throw std::invalid_argument("'" + input::printable(text) +
                                "' is not a load above 0 (4, 1.5, 80% of the processors)");
  }
  if (!sys::load_average()) throw std::invalid_argument("this machine does not tell its load");
  return percent ? number / 100 * sys::usable_cpus() : number;
}

std::uint64_t parse_memory(const std::string& text) {
  const std::uint64_t size = input::parse_size(text);
  if (!sys::available_memory()) {
    throw std::invalid_argument("/proc/meminfo does not tell how much memory is available");
  }
  return size;
}

}  // namespace

void add_start_options(Options& options, StartOptions& start) {
  options.group("When the next job starts (else when a place is free)");
  options.value(
      "--order", "longest",
      "the jobs that took longest by the --journal or --joblog of an earlier run first, "
      "before them those it does not know; all inputs are read before the first starts",
      [&](const std::string& text) {
        if (text != "longest") {
          throw std::invalid_argument("'" + input::printable(text) + "' is not an order (longest)");
        }
        start.longest_first = true;
      });
  options.value("--delay", "D", "so long after the one before it (0)",
                [&](const std::string& text) { start.gates.delay = input::parse_duration(text); });
  options.value("--load", "N",
                "none while the load of the last minute is above N, or N% of the processors",
                [&](const std::string& text) { start.gates.most_load = parse_load(text); });
  options.value("--memfree", "SIZE",
                "none while less memory is available; no job that runs is killed for it",
                [&](const std::string& text) { start.gates.memory = parse_memory(text); });
}

}  // namespace procrun::cmd
