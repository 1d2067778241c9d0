#include "sys/machine.h"

#include <charconv>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sys/slurp.h"

namespace procrun::sys {

std::optional<double> load_average() {
  double load = 0;
  if (::getloadavg(&load, 1) != 1) return std::nullopt;
  return load;
}

std::optional<std::uint64_t> available_memory() {
  constexpr std::string_view kKey = "MemAvailable:";
  const std::string text = slurp("/proc/meminfo");
  const auto key = text.find(kKey);
  if (key == std::string::npos) return std::nullopt;
  const auto digits = text.find_first_not_of(' ', key + kKey.size());
  if (digits == std::string::npos) return std::nullopt;
  std::uint64_t kib = 0;
  const auto end = text.data() + text.size();
  if (std::from_chars(text.data() + digits, end, kib).ec != std::errc{}) return std::nullopt;
  return kib * 1024;
}

}  // namespace procrun::sys
