#include "input/delimiter.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>

using procrun::input::parse_delimiter;

TEST_CASE("a delimiter is a character or an escape as in xargs", "[delimiter]") {
  CHECK(parse_delimiter(",") == ',');
  CHECK(parse_delimiter("\xff") == '\xff');
  CHECK(parse_delimiter("\\") == '\\');
  CHECK(parse_delimiter(R"(\n)") == '\n');
  CHECK(parse_delimiter(R"(\t)") == '\t');
  CHECK(parse_delimiter(R"(\r)") == '\r');
  CHECK(parse_delimiter(R"(\\)") == '\\');
  CHECK(parse_delimiter(R"(\0)") == '\0');
  CHECK(parse_delimiter(R"(\x2c)") == ',');
  CHECK(parse_delimiter(R"(\x0)") == '\0');
  CHECK(parse_delimiter(R"(\xfF)") == '\xff');
  CHECK(parse_delimiter(R"(\054)") == ',');
  CHECK(parse_delimiter(R"(\377)") == '\xff');
}

TEST_CASE("what is no single byte is refused and the forms are shown", "[delimiter]") {
  for (const std::string text : {"", "ab", "é", R"(\x)", R"(\x100)", R"(\xg)", R"(\400)", R"(\8)",
                                 R"(\q)", R"(\nn)", R"(\x-1)", R"(\0000)", "x2c"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_delimiter(text), std::invalid_argument);
    CHECK_THROWS_WITH(parse_delimiter(text), Catch::Contains(R"(\xNN)"));
  }
}
