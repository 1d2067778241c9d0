#include "cmd/speed.h"

#include <time.h>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace procrun::cmd {

void Speed::sleep(double seconds) const {
  const double real = seconds > 0 ? seconds / factor : 0;
  timespec left{};
  left.tv_sec = static_cast<time_t>(real);
  left.tv_nsec = static_cast<long>((real - std::floor(real)) * 1e9);
  while (::nanosleep(&left, &left) == -1 && errno == EINTR) {
  }
}

void add_speed(Options& options, Speed& speed) {
  options.value("--speed", "X", "every sleep X times shorter (1)", [&](const std::string& text) {
    char* end = nullptr;
    speed.factor = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(speed.factor) || speed.factor < 1e-3) {
      throw std::invalid_argument("'" + text + "' is not a number above 0 (2, 0.5, 100)");
    }
  });
}

int parse_count(const std::string& text, int least) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || *end != '\0' || number < least) {
    throw std::invalid_argument("'" + text + "' is not a whole number of at least " +
                                std::to_string(least));
  }
  return number;
}

}  // namespace procrun::cmd
