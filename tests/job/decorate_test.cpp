#include "job/decorate.h"

#include <catch2/catch.hpp>
#include <string>

using procrun::job::LineSearch;
using procrun::job::LineStarts;
using procrun::job::Pattern;
using procrun::job::time_stamp;

TEST_CASE("a text goes before every line, the empty ones too", "[decorate]") {
  LineStarts starts{"> ", ""};
  CHECK(starts.decorate("a\n\nb") == "> a\n> \n> b");
}

TEST_CASE("a line that comes in pieces has one start", "[decorate]") {
  LineStarts starts{"> ", ""};
  CHECK(starts.decorate("a") == "> a");
  CHECK(starts.decorate("b") == "b");
  CHECK(starts.decorate("c\n") == "c\n");
  CHECK(starts.decorate("d") == "> d");
}

TEST_CASE("however a text is cut into pieces the result is the same", "[decorate]") {
  const std::string text = "one\ntwo\n\n\nthree";
  LineStarts whole{"> ", ""};
  const std::string expected{whole.decorate(text)};
  for (std::size_t first = 0; first <= text.size(); ++first) {
    for (std::size_t second = first; second <= text.size(); ++second) {
      LineStarts starts{"> ", ""};
      std::string result{starts.decorate(text.substr(0, first))};
      result += starts.decorate(text.substr(first, second - first));
      result += starts.decorate(text.substr(second));
      CHECK(result == expected);
    }
  }
}

TEST_CASE("a time stamp stands before the text", "[decorate]") {
  LineStarts starts{"> ", "[%%]"};
  CHECK(starts.decorate("a\n") == "[%] > a\n");
}

TEST_CASE("a time stamp may show microseconds", "[decorate]") {
  const std::string stamp = time_stamp("%.S");
  REQUIRE(stamp.size() == 9);
  CHECK(stamp[2] == '.');
  CHECK(time_stamp("%Y-%m-%d %.T").size() == 26);
}

TEST_CASE("a pattern is found in a line, wherever the pieces are cut", "[decorate]") {
  const Pattern pattern{"^needle$"};
  const std::string text = "hay\nneedle\nhay";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    LineSearch search;
    search.look_at(text.substr(0, cut), pattern);
    search.look_at(text.substr(cut), pattern);
    CHECK(search.found());
  }
}

TEST_CASE("a pattern is not found across lines", "[decorate]") {
  const Pattern pattern{"needle"};
  LineSearch search;
  search.look_at("nee\ndle\n", pattern);
  CHECK_FALSE(search.found());
}

TEST_CASE("a pattern is found in a last line without newline", "[decorate]") {
  const Pattern pattern{"needle"};
  LineSearch search;
  search.look_at("hay\nneedle", pattern);
  CHECK_FALSE(search.found());
  search.look_at_rest(pattern);
  CHECK(search.found());
}

TEST_CASE("T29: of a line without end only the beginning is kept", "[decorate]") {
  const Pattern early{"^x{3}"};
  const Pattern late{"needle"};
  LineSearch search;
  for (int i = 0; i < 1000; ++i) search.look_at(std::string(1000, 'x'), late);
  search.look_at("needle\n", late);
  CHECK_FALSE(search.found());
  search.look_at(std::string(100'000, 'x') + "\n", early);
  CHECK(search.found());
}
