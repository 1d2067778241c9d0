#include "pool/codec.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>

using procrun::pool::Plain;
using procrun::pool::Reader;
using procrun::pool::Writer;

namespace {

template <class T>
T round_trip(const T& value) {
  Writer writer;
  writer.put(value);
  Reader reader{writer.bytes()};
  T back = reader.get<T>();
  CHECK(reader.rest().empty());
  return back;
}

/// Random values; a test that fails names its seed.
class Random {
 public:
  explicit Random(unsigned seed) : engine_{seed} {}
  std::size_t below(std::size_t bound) { return engine_() % bound; }
  std::uint64_t number() { return engine_(); }
  std::string bytes() {
    std::string text(below(4) == 0 ? 0 : below(300), '\0');
    for (char& byte : text) byte = static_cast<char>(engine_());
    return text;
  }
  std::vector<std::string> words() {
    std::vector<std::string> all(below(6));
    for (auto& word : all) word = bytes();
    return all;
  }

 private:
  std::mt19937_64 engine_;
};

struct Point {
  int x;
  double y;
  bool operator==(const Point&) const = default;
};

}  // namespace

TEST_CASE("plain values come back as they were", "[codec]") {
  CHECK(round_trip(0) == 0);
  CHECK(round_trip(std::numeric_limits<std::int64_t>::min()) ==
        std::numeric_limits<std::int64_t>::min());
  CHECK(round_trip(-1.5) == -1.5);
  CHECK(round_trip('x') == 'x');
  CHECK(round_trip(true) == true);
  CHECK(round_trip(Point{3, 0.25}) == Point{3, 0.25});
}

TEST_CASE("strings come back with every byte", "[codec]") {
  CHECK(round_trip(std::string{}).empty());
  const std::string odd{"a\0b\n\xff", 5};
  CHECK(round_trip(odd) == odd);
}

TEST_CASE("compound values come back as they were", "[codec]") {
  CHECK(round_trip(std::vector<int>{}).empty());
  CHECK(round_trip(std::vector<int>{1, 2, 3}) == std::vector<int>{1, 2, 3});
  CHECK(round_trip(std::vector<bool>{true, false, true}) == std::vector<bool>{true, false, true});
  CHECK(round_trip(std::vector<std::vector<std::string>>{{"a"}, {}, {"b", ""}}) ==
        std::vector<std::vector<std::string>>{{"a"}, {}, {"b", ""}});
  CHECK(round_trip(std::pair<int, std::string>{1, "x"}) == std::pair<int, std::string>{1, "x"});
  CHECK(round_trip(std::pair<int, int>{1, 2}) == std::pair<int, int>{1, 2});
  CHECK(round_trip(std::tuple<int, std::string, char>{1, "x", 'y'}) ==
        std::tuple<int, std::string, char>{1, "x", 'y'});
  CHECK(round_trip(std::optional<std::string>{"x"}) == "x");
  CHECK(round_trip(std::optional<std::string>{}) == std::nullopt);
  CHECK(round_trip(std::optional<int>{7}) == 7);
}

TEST_CASE("values come out in the order in which they were put", "[codec]") {
  Writer writer;
  writer.put(1);
  writer.put(std::string{"two"});
  writer.put(std::vector<int>{3});
  Reader reader{writer.bytes()};
  CHECK(reader.get<int>() == 1);
  CHECK(reader.get<std::string_view>() == "two");
  CHECK(reader.get<std::vector<int>>() == std::vector<int>{3});
  CHECK(reader.rest().empty());
}

TEST_CASE("any value comes back as it was", "[codec]") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    Random random{seed};
    using Value = std::tuple<std::string, std::vector<std::string>, std::uint64_t,
                             std::optional<std::pair<std::string, int>>,
                             std::vector<std::pair<std::string, std::vector<std::uint64_t>>>>;
    std::vector<std::pair<std::string, std::vector<std::uint64_t>>> list(random.below(5));
    for (auto& [text, numbers] : list) {
      text = random.bytes();
      numbers.resize(random.below(50));
      for (auto& number : numbers) number = random.number();
    }
    std::optional<std::pair<std::string, int>> maybe;
    if (random.below(2) == 0) maybe = {random.bytes(), static_cast<int>(random.number())};
    const Value value{random.bytes(), random.words(), random.number(), maybe, list};
    CHECK(round_trip(value) == value);
  }
}

TEST_CASE("bytes that end too early are an error wherever they are cut", "[codec]") {
  Writer writer;
  writer.put(std::vector<std::string>{"abc", "de"});
  writer.put(std::optional<std::string>{"x"});
  const std::string whole = writer.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    Reader reader{std::string_view{whole}.substr(0, size)};
    CHECK_THROWS_AS(
        (reader.get<std::vector<std::string>>(), reader.get<std::optional<std::string>>()),
        std::runtime_error);
  }
}

TEST_CASE("what would be an address in another process does not travel", "[codec]") {
  STATIC_REQUIRE_FALSE(Plain<int*>);
  STATIC_REQUIRE_FALSE(Plain<const char*>);
  STATIC_REQUIRE_FALSE(Plain<std::string_view>);
  STATIC_REQUIRE_FALSE(Plain<std::string>);
  STATIC_REQUIRE_FALSE(Plain<std::map<int, int>>);
  STATIC_REQUIRE(Plain<Point>);
}
