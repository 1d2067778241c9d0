#include "report/time_axis.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using procrun::report::duration_text;
using procrun::report::in_ascii;
using procrun::report::Tick;
using procrun::report::ticks_of;
using Texts = std::vector<std::string>;

namespace {

Texts texts_of(const std::vector<Tick>& ticks) {
  Texts texts;
  for (const Tick& tick : ticks) texts.push_back(tick.text);
  return texts;
}

}  // namespace

TEST_CASE("a duration is told in the unit that suits it", "[time_axis]") {
  CHECK(duration_text(0ns) == "0µs");
  CHECK(duration_text(850us) == "850µs");
  CHECK(duration_text(999999ns) == "1.00ms");
  CHECK(duration_text(12345us) == "12.3ms");
  CHECK(duration_text(312ms) == "312ms");
  CHECK(duration_text(999700us) == "1.00s");
  CHECK(duration_text(59990ms) == "60.0s");
  CHECK(duration_text(185s) == "3m05s");
  CHECK(duration_text(130min) == "2h10m");
  CHECK(duration_text(-5s) == "0µs");
  CHECK(in_ascii("850µs, 1µs") == "850us, 1us");
}

TEST_CASE("an axis has ticks at round times, with their unit", "[time_axis]") {
  CHECK(texts_of(ticks_of(312ms, 5)) == Texts{"0", "100ms", "200ms", "300ms"});
  CHECK(texts_of(ticks_of(1s, 6)) == Texts{"0", "200ms", "400ms", "600ms", "800ms", "1s"});
  CHECK(texts_of(ticks_of(35us, 8)) ==
        Texts{"0", "5µs", "10µs", "15µs", "20µs", "25µs", "30µs", "35µs"});
  CHECK(texts_of(ticks_of(1600ms, 4)) == Texts{"0", "500ms", "1s", "1.5s"});
  CHECK(texts_of(ticks_of(1100us, 3)) == Texts{"0", "500µs", "1ms"});
  CHECK(texts_of(ticks_of(90s, 4)) == Texts{"0", "30s", "60s", "90s"});
  CHECK(texts_of(ticks_of(4s, 5)) == Texts{"0", "1s", "2s", "3s", "4s"});
  CHECK(texts_of(ticks_of(50s, 4)) == Texts{"0", "15s", "30s", "45s"});
  CHECK(texts_of(ticks_of(95min, 4)) == Texts{"0", "30min", "1h", "1h30"});
  CHECK(texts_of(ticks_of(30h, 4)) == Texts{"0", "12h", "24h"});
  CHECK(texts_of(ticks_of(100h, 4)) == Texts{"0", "2d", "4d"});
}

TEST_CASE("an axis never has more ticks than there is room for, and has one at 0", "[time_axis]") {
  const auto span = GENERATE(as<procrun::sys::Duration>{}, 0ns, 1ns, 999us, 7s, 59min, 400h,
                             std::chrono::hours{24 * 365 * 50});
  const std::size_t most = GENERATE(1, 2, 5, 12);
  const auto ticks = ticks_of(span, most);
  CHECK(ticks.size() <= most);
  REQUIRE_FALSE(ticks.empty());
  CHECK(ticks.front().text == "0");
  CHECK(ticks.back().at <= span);
}
