#include "report/timeline_text.h"

#include <catch2/catch.hpp>
#include <regex>
#include <set>

#include "made_up.h"
#include "report/text_width.h"
#include "report/timeline_plot.h"

namespace procrun::test {

using report::columns_of;
using report::TextStyle;
using report::timeline_text;
using Lines = std::vector<std::string>;

namespace {

Lines lines_of(std::string_view text) {
  Lines lines;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  REQUIRE(text.empty());  // the last one has an end, too
  return lines;
}

Lines drawn(const std::vector<Event>& events, const TextStyle& style) {
  return lines_of(timeline_text(history_of(events), "procrun test", style));
}

/// A run in which everything happens that has a glyph.
std::vector<Event> all_that_there_is() {
  auto events = zombie_story();
  events.pop_back();
  events.insert(events.end(),
                {{.type = Type::Fork, .at = ms(300), .pid = 110, .ppid = 100, .text = "other"},
                 {.type = Type::Exec, .at = ms(350), .pid = 110, .ppid = 100},
                 {.type = Type::Stopped, .at = ms(450), .pid = 110, .status = 0x137F},
                 {.type = Type::Continued, .at = ms(600), .pid = 110},
                 {.type = Type::Exit, .at = ms(900), .pid = 110, .status = exited(7)},
                 {.type = Type::Fork, .at = ms(500), .pid = 111, .ppid = 100, .text = "last"},
                 {.type = Type::Watched, .at = ms(500), .pid = 112, .text = "stranger"},
                 {.type = Type::Ended,
                  .at = ms(900),
                  .pid = 112,
                  .status = event::kUnknownEnd,
                  .reaped = true},
                 {.type = Type::RunEnd, .at = ms(1000)}});
  return events;
}

/// The letters beyond ASCII, or of an ASCII picture all glyphs.
std::set<std::string> letters_of(std::string_view line) {
  std::set<std::string> letters;
  while (!line.empty()) {
    std::size_t size = 1;
    while (size < line.size() && (static_cast<unsigned char>(line[size]) & 0xC0U) == 0x80) ++size;
    if (size > 1) letters.emplace(line.substr(0, size));
    line.remove_prefix(size);
  }
  return letters;
}

}  // namespace

TEST_CASE("the terminal's picture shows a zombie, its adoption and its end", "[timeline_text]") {
  CHECK(drawn(zombie_story(), {.width = 60}) ==
        Lines{"procrun test: 4 processes, 1.00s",
              "              0                  500ms              1s",
              "              ┬──────────────────┬──────────────────┬",
              "1 systemd     ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄╥┄┄┄┄┄┄┄┄┄┄┄┄",
              "100 procrun   ━━━┯━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━",
              "└ 101 parent     ╰━━━┯━━━━━━━━━━━━━━━━━━✓",
              "  └ 102 child        ╰━━━━━━━░░░░░░░░░░░╨░░░✓",
              "━ running   ░ zombie   ┯│╰ fork   ✓ exited with 0, reaped",
              "╥║╨ adoption   ┄ not of this run"});
}

TEST_CASE("the terminal's picture shows a stop and a kill, in ASCII, too", "[timeline_text]") {
  CHECK(drawn(stop_story(), {.width = 60, .ascii = true}) ==
        Lines{"procrun test: 2 processes, 1.00s",
              "               0                 500ms              1s",
              "               +-----------------+------------------+",
              "100 procrun    +=====================================",
              "`-101 sleep 60 `===>=========........===========x KILL",
              "= running   . stopped   +|` fork   > exec", "x ended otherwise, reaped"});
}

TEST_CASE("the terminal's picture fits its width, and uses it", "[timeline_text]") {
  const std::size_t width = GENERATE(1, 40, 60, 80, 100, 200, 500);
  const bool ascii = GENERATE(false, true);
  const auto events = GENERATE(zombie_story(), stop_story(), all_that_there_is(),
                               pool_story(4, 1000), pool_story(60, 100));
  std::size_t widest = 0;
  for (const auto& line : drawn(events, {.width = width, .ascii = ascii})) {
    CAPTURE(width, line);
    CHECK(columns_of(line) <= std::max<std::size_t>(width, 40));
    widest = std::max(widest, columns_of(line));
  }
  CHECK(widest + report::Plot::kRoom >= width);
}

TEST_CASE("every glyph of the terminal's picture is in its legend", "[timeline_text]") {
  const auto lines = drawn(all_that_there_is(), {.width = 200});
  const auto known = letters_of(lines.back());
  std::size_t drawn_glyphs = 0;
  for (std::size_t i = 3; i + 1 < lines.size(); ++i) {
    const auto plot = lines[i].substr(lines[i].find(' ', lines[i].find("1")));
    for (const auto& letter : letters_of(plot)) {
      CAPTURE(lines[i], letter, lines.back());
      CHECK(known.count(letter) == 1);
      ++drawn_glyphs;
    }
  }
  CHECK(drawn_glyphs > 10);
  for (const char* meaning :
       {"running", "stopped", "zombie", "fork", "exec", "exited with 0", "ended otherwise",
        "seen no further", "adoption", "not of this", "ended, how is not known"}) {
    CAPTURE(meaning);
    CHECK(lines.back().find(meaning) != std::string::npos);
  }
}

TEST_CASE("the legend explains nothing that is not there", "[timeline_text]") {
  const auto lines = drawn(pool_story(1, 1), {.width = 200});
  CHECK(lines.back() == "━ running   ┯│╰ fork   ◆ exec   ✓ exited with 0, reaped");
}

TEST_CASE("states are told apart by glyph without colour, and by both with it", "[timeline_text]") {
  const auto plain = timeline_text(history_of(all_that_there_is()), "x", {.width = 100});
  CHECK(plain.find('\033') == std::string::npos);
  const auto coloured =
      timeline_text(history_of(all_that_there_is()), "x", {.width = 100, .colour = true});
  std::set<std::string> colours;
  using report::Mark;
  for (const Mark mark : {Mark::Running, Mark::Stopped, Mark::Zombie, Mark::Well, Mark::Failed}) {
    const std::string colour = report::glyph_of(mark).colour;
    CHECK(coloured.find("\033[" + colour + "m") != std::string::npos);
    colours.insert(colour);
  }
  CHECK(colours.size() == 5);
  std::string bare;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] != '\033') {
      bare += coloured[i];
      continue;
    }
    i = coloured.find('m', i);
  }
  CHECK(bare == plain);
}

TEST_CASE("no two marks share a glyph", "[timeline_text]") {
  std::set<std::string> unicode;
  std::set<std::string> ascii;
  for (std::size_t i = 0; i < report::kMarks; ++i) {
    const auto& glyph = report::glyph_of(static_cast<report::Mark>(i));
    CHECK(unicode.insert(glyph.unicode).second);
    CHECK(ascii.insert(glyph.ascii).second);
    CHECK(columns_of(glyph.unicode) == 1);
    CHECK(columns_of(glyph.ascii) == 1);
  }
}

TEST_CASE("how a process ended is written behind it", "[timeline_text]") {
  const auto lines = drawn(all_that_there_is(), {.width = 100});
  const auto line = [&](const std::string& name) {
    for (const auto& one : lines) {
      if (one.find(name) != std::string::npos) return one;
    }
    return std::string{};
  };
  CHECK(line("110 other").ends_with("✗ 7"));
  CHECK(line("111 last").ends_with("→"));
  CHECK(drawn(stop_story(), {.width = 100})[4].ends_with("✗ KILL"));
  CHECK(line("112 stranger").ends_with("━■"));
}

TEST_CASE("strangers are bars without a fork, as long as they were seen", "[timeline_text]") {
  const auto lines = drawn(watch_story(), {.width = 200});
  REQUIRE(lines.size() == 10);
  const auto is_row = [&](std::size_t row, const std::string& pattern) {
    CAPTURE(lines[row], pattern);
    return std::regex_match(lines[row], std::regex{pattern});
  };
  CHECK(is_row(3, "100 procrun +(━)+"));
  CHECK(is_row(4, "50 +✗ 7"));
  CHECK(is_row(5, "60 exits +(━)+✗ 3"));
  CHECK(is_row(6, "└ 61 unknown +(━)+■"));
  CHECK(is_row(7, "62 rots +(━)+(░)+→ KILL"));
  CHECK(is_row(8, "63 lives +(━)+(╌)+→"));
  CHECK(lines[9].find("fork") == std::string::npos);
}

TEST_CASE("a failure among many jobs is not hidden by its neighbours", "[timeline_text]") {
  auto events = pool_story(1, 500);
  const auto lines = drawn(events, {.width = 60});
  CHECK(lines[5].find("slot 1: 500 processes") != std::string::npos);
  CHECK(lines[5].find("✗") != std::string::npos);
}

TEST_CASE("of very many rows the terminal's picture counts the rest", "[timeline_text]") {
  const auto lines = drawn(pool_story(30, 30), {.width = 80, .most_rows = 10});
  CHECK(lines.size() == 3 + 10 + 2);
  CHECK(lines[13] == "and 51 more rows (--timeline=FILE.svg draws them all)");
}

TEST_CASE("a name cannot tear or steer the terminal's picture", "[timeline_text]") {
  const auto lines = drawn({{.type = Type::RunStart, .at = ms(0), .pid = 1},
                            {.type = Type::Fork,
                             .at = ms(1),
                             .pid = 2,
                             .ppid = 1,
                             .text = "a\nb\033[2J进程" + std::string(5000, 'x')},
                            {.type = Type::RunEnd, .at = ms(2)}},
                           {.width = 100});
  CHECK(lines.size() == 6);
  for (const auto& line : lines) {
    CHECK(columns_of(line) <= 100);
    CHECK(line.find('\033') == std::string::npos);
  }
  CHECK(lines[4].find("\\n") != std::string::npos);
}

TEST_CASE("of a run of which nothing was told there is no picture", "[timeline_text]") {
  CHECK(timeline_text({}, "x", {}).empty());
}

}  // namespace procrun::test
