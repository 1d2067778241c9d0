#include "input/quantity.h"

#include <fmt/core.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

#include "input/shell.h"

namespace procrun::input {
namespace {

// Exact where floating point is not: 0.3s is 300000000ns.
__extension__ using Wide = unsigned __int128;

constexpr std::size_t kMaxFractionDigits = 18;

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::array kDurationUnits{
    Unit{"d", 86'400 * kSecond},
    Unit{"h", 3'600 * kSecond},
    Unit{"m", 60 * kSecond},
    Unit{"s", kSecond},
    Unit{"ms", 1'000'000},
    Unit{"us", 1'000},
    Unit{"ns", 1},
};

/// A decimal number: whole + fraction / scale.
struct Decimal {
  std::uint64_t whole = 0;
  std::uint64_t fraction = 0;
  std::uint64_t scale = 1;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Cuts the digits off the front of `text`; none if there are none or too many.
std::optional<std::uint64_t> cut_digits(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// Cuts `12`, `1.5` or `.5` off the front of `text`.
std::optional<Decimal> cut_decimal(std::string_view& text) {
  Decimal number;
  if (!text.starts_with('.')) {
    const auto whole = cut_digits(text);
    if (!whole) return std::nullopt;
    number.whole = *whole;
  }
  if (!text.starts_with('.')) return number;
  text.remove_prefix(1);
  const auto before = text.size();
  const auto fraction = cut_digits(text);
  const auto digits = before - text.size();
  if (!fraction || digits > kMaxFractionDigits) return std::nullopt;
  number.fraction = *fraction;
  for (std::size_t i = 0; i < digits; ++i) number.scale *= 10;
  return number;
}

/// Cuts the letters off the front of `text`.
std::string_view cut_letters(std::string_view& text) {
  std::size_t length = 0;
  while (length < text.size() && text[length] != '.' && !is_digit(text[length])) ++length;
  const auto letters = text.substr(0, length);
  text.remove_prefix(length);
  return letters;
}

/// `number` times `factor`, rounded up; none if `limit` is passed.
std::optional<std::uint64_t> scaled(const Decimal& number, std::uint64_t factor,
                                    std::uint64_t limit) {
  const Wide whole = Wide{number.whole} * factor;
  const Wide part = (Wide{number.fraction} * factor + number.scale - 1) / number.scale;
  if (whole + part > limit) return std::nullopt;
  return static_cast<std::uint64_t>(whole + part);
}

const Unit* duration_unit(std::string_view name) {
  for (const auto& unit : kDurationUnits) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::optional<std::uint64_t> duration(std::string_view text, BareNumber bare) {
  constexpr std::uint64_t kLimit = std::numeric_limits<std::int64_t>::max();
  std::uint64_t total = 0;
  std::uint64_t smaller_than = std::numeric_limits<std::uint64_t>::max();
  bool first = true;
  do {
    const auto number = cut_decimal(text);
    if (!number) return std::nullopt;
    const auto name = cut_letters(text);
    const bool is_bare = first && name.empty() && text.empty() && bare == BareNumber::Seconds;
    const auto* unit = duration_unit(is_bare ? "s" : name);
    if (unit == nullptr || unit->factor >= smaller_than) return std::nullopt;
    const auto part = scaled(*number, unit->factor, kLimit - total);
    if (!part) return std::nullopt;
    total += *part;
    smaller_than = unit->factor;
    first = false;
  } while (!text.empty());
  return total;
}

/// What `K`, `KiB`, `KB` and their like multiply by.
std::optional<std::uint64_t> size_factor(std::string_view name) {
  std::string upper;
  for (const char c : name) upper += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  if (upper.empty() || upper == "B") return 1;
  const auto power = std::string_view{"KMGT"}.find(upper[0]);
  if (power == std::string_view::npos) return std::nullopt;
  const auto rest = std::string_view{upper}.substr(1);
  if (!rest.empty() && rest != "IB" && rest != "B") return std::nullopt;
  const std::uint64_t base = rest == "B" ? 1000 : 1024;
  std::uint64_t factor = base;
  for (std::size_t i = 0; i < power; ++i) factor *= base;
  return factor;
}

std::optional<std::uint64_t> size(std::string_view text) {
  const auto number = cut_decimal(text);
  if (!number) return std::nullopt;
  const auto factor = size_factor(text);
  if (!factor) return std::nullopt;
  return scaled(*number, *factor, std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

std::chrono::nanoseconds parse_duration(std::string_view text, BareNumber bare) {
  const auto value = duration(text, bare);
  if (!value) {
    throw std::invalid_argument(fmt::format(
        "'{}' is not a duration (250ms, 1.5s, 2m, 1h30m, 1d; {})", printable(text),
        bare == BareNumber::Seconds ? "a bare number is seconds" : "the unit must be written"));
  }
  return std::chrono::nanoseconds{*value};
}

std::uint64_t parse_size(std::string_view text) {
  const auto value = size(text);
  if (!value) {
    throw std::invalid_argument(
        fmt::format("'{}' is not a size (4096, 64K, 1.5G; K M G T or KiB are powers of 1024, "
                    "KB MB GB TB of 1000; below 16 EiB)",
                    printable(text)));
  }
  return *value;
}

}  // namespace procrun::input
