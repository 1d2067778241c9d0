#include "input/separator.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "random_bytes.h"

using procrun::input::Separator;
using procrun::test::RandomBytes;
using Columns = std::vector<std::string>;

namespace {

Columns split(const std::string& pattern, const std::string& record) {
  Columns columns;
  Separator{pattern}.split(record, columns);
  return columns;
}

}  // namespace

TEST_CASE("a plain text stands between columns", "[separator]") {
  CHECK(split(",", "a,b c,d") == Columns{"a", "b c", "d"});
  CHECK(split(", ", "a, b,c") == Columns{"a", "b,c"});
  CHECK(split(",", "no") == Columns{"no"});
  CHECK(split(",", "") == Columns{""});
  CHECK(split(",", ",a,,") == Columns{"", "a", "", ""});
  CHECK(split(" ", "a  b") == Columns{"a", "", "b"});
}

TEST_CASE("a regular expression stands between columns", "[separator]") {
  CHECK(split("[,;]", "a,b;c") == Columns{"a", "b", "c"});
  CHECK(split(" +", "a   b c") == Columns{"a", "b", "c"});
  CHECK(split(" *: *", "a : b:c") == Columns{"a", "b", "c"});
  CHECK(split("ab|c", "1ab2c3") == Columns{"1", "2", "3"});
  CHECK(split(".", "abc") == Columns{"", "", "", ""});
  CHECK(split("^x", "xaxb") == Columns{"", "axb"});
}

TEST_CASE("the escapes of Perl mean what they mean there", "[separator]") {
  CHECK(split(R"(\t)", "a\tb") == Columns{"a", "b"});
  CHECK(split(R"(\t+)", "a\t\tb") == Columns{"a", "b"});
  CHECK(split(R"(\s+)", "a \t\nb") == Columns{"a", "b"});
  CHECK(split(R"(\|)", "a|b") == Columns{"a", "b"});
  CHECK(split(R"(\.)", "a.b") == Columns{"a", "b"});
  CHECK(split(R"(\x2c)", "a,b") == Columns{"a", "b"});
  CHECK(split(R"(\x2e+)", "a..b") == Columns{"a", "b"});
  CHECK(split(R"(\d+)", "a12b3c") == Columns{"a", "b", "c"});
  CHECK(split(R"(\D)", "1x2") == Columns{"1", "2"});
  CHECK(split(R"(\W)", "a-b") == Columns{"a", "b"});
  CHECK(split(R"(\0)", std::string{"a\0b", 3}) == Columns{"a", "b"});
  CHECK(split(R"(\\)", R"(a\b)") == Columns{"a", "b"});
}

TEST_CASE("they mean it within brackets too", "[separator]") {
  CHECK(split(R"([\t,])", "a\tb,c\\d") == Columns{"a", "b", "c\\d"});
  CHECK(split(R"([\s,]+)", "a ,\tb") == Columns{"a", "b"});
  CHECK(split(R"([\d_])", "a1b_c") == Columns{"a", "b", "c"});
  CHECK(split(R"([\]x])", "a]bxc") == Columns{"a", "b", "c"});
  CHECK(split(R"([\^])", "a^b") == Columns{"a", "b"});
  CHECK(split(R"([a\-z])", "1-2m3") == Columns{"1", "2m3"});
  CHECK(split(R"([\\])", R"(a\b)") == Columns{"a", "b"});
  CHECK(split(R"([\x5d\x2d\x5e])", "a]b-c^d") == Columns{"a", "b", "c", "d"});
  CHECK(split("[]x]", "a]bxc") == Columns{"a", "b", "c"});
  CHECK(split("[^]x]", "]ax") == Columns{"]", "x"});
  CHECK(split("[[:space:]|]", "a b|c") == Columns{"a", "b", "c"});
}

TEST_CASE("a match of nothing separates nothing", "[separator]") {
  CHECK(split("x*", "axxb") == Columns{"a", "b"});
  CHECK(split("x*", "ab") == Columns{"ab"});
  CHECK(split("$", "ab") == Columns{"ab"});
}

TEST_CASE("what is no regular expression is refused", "[separator]") {
  for (const std::string pattern : {"", "(", "a)b(", "[a", "[", "[]", R"(\)", R"(\x1)", R"(\xzz)",
                                    R"([\x1])", R"([\)", "[[:none:]]", "[[:x", R"(\0+)", "+(("}) {
    INFO(pattern);
    CHECK_THROWS_AS(Separator{pattern}, std::invalid_argument);
    CHECK_THROWS_WITH(Separator{pattern}, Catch::Contains("not a regular expression"));
  }
}

TEST_CASE("columns that are joined by a text come apart again", "[separator]") {
  RandomBytes random{31};
  for (int round = 0; round < 2000; ++round) {
    Columns columns(1 + random.below(6));
    std::string record;
    for (auto& column : columns) {
      column = random.next(10);
      std::erase(column, ';');
      if (&column != columns.data()) record += ';';
      record += column;
    }
    for (const auto* pattern : {";", R"(\x3b)", "[;]", ";|;"})
      CHECK(split(pattern, record) == columns);
  }
}

TEST_CASE("no byte of a record is lost between its columns", "[separator]") {
  RandomBytes random{32};
  const Separator blank{R"([\s,]+)"};
  for (int round = 0; round < 2000; ++round) {
    const auto record = random.next(30);
    Columns columns;
    blank.split(record, columns);
    std::string kept;
    for (const auto& column : columns) kept += column;
    std::string expected = record;
    std::erase_if(expected, [](char c) {
      return std::string_view{" \t\n\r\v\f,"}.find(c) != std::string_view::npos;
    });
    CHECK(kept == expected);
  }
}

TEST_CASE("any bytes are a regular expression or refused", "[separator]") {
  RandomBytes random{33};
  for (int round = 0; round < 5000; ++round) {
    try {
      const Separator separator{random.next(8)};
      Columns columns;
      separator.split(random.next(20), columns);
      CHECK_FALSE(columns.empty());
    } catch (const std::invalid_argument&) {
    }
  }
}
