#include "input/split.h"

#include <catch2/catch.hpp>

using procrun::input::split;
using Parts = std::vector<std::string>;

TEST_CASE("a list in one word comes apart at its separators, empty parts included", "[split]") {
  CHECK(split("a,b,c", ',') == Parts{"a", "b", "c"});
  CHECK(split(",a,", ',') == Parts{"", "a", ""});
  CHECK(split("", ',') == Parts{""});
  CHECK(split("a:b", ',') == Parts{"a:b"});
}
