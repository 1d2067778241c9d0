#include "report/text_width.h"

#include <catch2/catch.hpp>

using procrun::report::ascii_only;
using procrun::report::columns_of;
using procrun::report::fitted;

TEST_CASE("a text is as wide as a terminal shows it", "[text_width]") {
  CHECK(columns_of("") == 0);
  CHECK(columns_of("gzip a.txt") == 10);
  CHECK(columns_of("Größe…") == 6);
  CHECK(columns_of("进程") == 4);
  CHECK(columns_of("한글") == 4);
  CHECK(columns_of("🚀!") == 3);
  CHECK(columns_of("e\u0301") == 1);
  CHECK(columns_of("\xE8") == 1);  // torn: no letter, but no crash
}

TEST_CASE("a text is made to fit: filled up or cut, never through a letter", "[text_width]") {
  CHECK(fitted("ab", 4, "…") == "ab  ");
  CHECK(fitted("abcd", 4, "…") == "abcd");
  CHECK(fitted("abcde", 4, "…") == "abc…");
  CHECK(fitted("进程进程", 4, "~") == "进~ ");
  CHECK(fitted("abc", 1, "…") == "…");
  CHECK(fitted("abc", 0, "…").empty());
}

TEST_CASE("what is beyond ASCII is marked where that is asked for", "[text_width]") {
  CHECK(ascii_only("naïve 进…") == "na?ve ?~");
}
