#include "cmd/lesson.h"

#include <time.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

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

}  // namespace procrun::cmd
