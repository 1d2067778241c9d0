#include "input/quantity.h"

#include <catch2/catch.hpp>
#include <random>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;
using procrun::input::BareNumber;
using procrun::input::parse_duration;
using procrun::input::parse_size;

namespace {

template <class Parse>
std::string refusal(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a duration means what its units say", "[quantity]") {
  CHECK(parse_duration("250ms") == 250ms);
  CHECK(parse_duration("1.5s") == 1500ms);
  CHECK(parse_duration("2m") == 2min);
  CHECK(parse_duration("1h30m") == 90min);
  CHECK(parse_duration("1d") == 24h);
  CHECK(parse_duration("1d2h3m4s5ms6us7ns") == 26h + 3min + 4s + 5ms + 6us + 7ns);
  CHECK(parse_duration("0.5h.5m") == 30min + 30s);
  CHECK(parse_duration("7us") == 7us);
  CHECK(parse_duration("007s") == 7s);
}

TEST_CASE("a bare number is seconds unless units are asked for", "[quantity]") {
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("10") == 10s);
  CHECK(parse_duration("0.3") == 300ms);
  CHECK(parse_duration("5s", BareNumber::Refused) == 5s);
  CHECK_THROWS_AS(parse_duration("5", BareNumber::Refused), std::invalid_argument);
  CHECK_THROWS_AS(parse_duration("0", BareNumber::Refused), std::invalid_argument);
}

TEST_CASE("fractions are exact and only zero is zero", "[quantity]") {
  CHECK(parse_duration("0.1s") == 100ms);
  CHECK(parse_duration("0.000000001s") == 1ns);
  CHECK(parse_duration("0.000000000000000001s") == 1ns);
  CHECK(parse_duration("0.0s") == 0ns);
  CHECK(parse_duration("106751.99d") == 106751 * 24h + 85'536s);
  CHECK(parse_size("0.001") == 1);
}

TEST_CASE("the largest duration is taken and the next refused", "[quantity]") {
  CHECK(parse_duration("9223372036854775807ns") == std::chrono::nanoseconds::max());
  CHECK_THROWS_AS(parse_duration("9223372036854775808ns"), std::invalid_argument);
  CHECK_THROWS_AS(parse_duration("9223372036s1s"), std::invalid_argument);
  CHECK_THROWS_AS(parse_duration("9223372036s900ms"), std::invalid_argument);
  CHECK_THROWS_AS(parse_duration("99999999999999999999d"), std::invalid_argument);
  CHECK_THROWS_AS(parse_duration("18446744073709551615d"), std::invalid_argument);
}

TEST_CASE("what is not a duration is refused", "[quantity]") {
  const auto* const text = GENERATE(
      "", " ", "5x", "-1", "+1", "-1s", "1 s", " 1s", "1s ", "s", "ms", ".", ".s", "1.", "1.s",
      "1..5s", "1.5.2s", "1h30", "30 1h", "1m1m", "1m1h", "1S", "1e3", "1e3s", "0x10", "inf",
      "infinity", "nan", "1,5s", "1s\n", "1min", "1w", "0.1234567890123456789s", "1.-5s", "\xff");
  INFO(text);
  CHECK_THROWS_AS(parse_duration(text), std::invalid_argument);
}

TEST_CASE("a size knows binary and decimal units in either case", "[quantity]") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("4096") == 4096);
  CHECK(parse_size("12B") == 12);
  CHECK(parse_size("64K") == 65536);
  CHECK(parse_size("64k") == 65536);
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("64kB") == 64000);
  CHECK(parse_size("1M") == 1u << 20);
  CHECK(parse_size("1MB") == 1'000'000);
  CHECK(parse_size("1.5G") == 3ull << 29);
  CHECK(parse_size("2gib") == 2ull << 30);
  CHECK(parse_size("3GB") == 3'000'000'000);
  CHECK(parse_size("1T") == 1ull << 40);
  CHECK(parse_size("1.25TB") == 1'250'000'000'000);
  CHECK(parse_size("18446744073709551615") == 18446744073709551615ull);
}

TEST_CASE("what is not a size is refused", "[quantity]") {
  const auto* const text =
      GENERATE("", "-1", "K", "1X", "1KK", "1 K", "1Ki", "1iB", "1BB", "1K1K", "1.K", "inf", "1e6",
               "18446744073709551616", "16777216T", "16777215.9999999999999T1", "1K\n");
  INFO(text);
  CHECK_THROWS_AS(parse_size(text), std::invalid_argument);
}

TEST_CASE("a refusal shows the accepted forms on one line", "[quantity]") {
  const auto duration = [](std::string_view text) { parse_duration(text); };
  const auto with_unit = [](std::string_view text) { parse_duration(text, BareNumber::Refused); };
  const auto size = [](std::string_view text) { parse_size(text); };
  CHECK(refusal(duration, "5x") ==
        "'5x' is not a duration (250ms, 1.5s, 2m, 1h30m, 1d; a bare number is seconds)");
  CHECK(refusal(with_unit, "5") ==
        "'5' is not a duration (250ms, 1.5s, 2m, 1h30m, 1d; the unit must be written)");
  CHECK(refusal(size, "1\n\x1b[31m\xff") ==
        "'1\\n\\033[31m\\377' is not a size (4096, 64K, 1.5G; K M G T or KiB are powers of 1024, "
        "KB MB GB TB of 1000; below 16 EiB)");
}

TEST_CASE("a duration that was written out is read back", "[quantity]") {
  std::mt19937_64 random{1};
  for (int i = 0; i < 2000; ++i) {
    const auto value = std::chrono::nanoseconds{random() >> (1 + random() % 63)};
    const auto seconds = value.count() / 1'000'000'000;
    auto rest = std::to_string(value.count() % 1'000'000'000);
    rest.insert(0, 9 - rest.size(), '0');
    INFO(value.count());
    CHECK(parse_duration(std::to_string(value.count()) + "ns") == value);
    CHECK(parse_duration(std::to_string(seconds) + "." + rest) == value);
    CHECK(parse_duration(std::to_string(seconds) + "s" + rest + "ns") == value);
  }
}
