#include "report/timeline_svg.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <regex>

#include "made_up.h"
#include "report/svg.h"
#include "support.h"

namespace procrun::test {

using report::timeline_svg;

namespace {

std::string drawn(const std::vector<Event>& events) {
  return timeline_svg(history_of(events), "procrun test");
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// What is wrong with `text` as XML without comments and declarations; empty: nothing.
std::string xml_fault(const std::string& text) {
  static const std::regex tag{R"(<(/?)([A-Za-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(/?)>)"};
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at + 1)) {
    std::smatch match;
    const auto begin = text.cbegin() + static_cast<std::ptrdiff_t>(at);
    if (!std::regex_search(begin, text.cend(), match, tag,
                           std::regex_constants::match_continuous)) {
      return "no tag: " + text.substr(at, 80);
    }
    if (match[1] == "" && match[4] == "") open.push_back(match[2]);
    if (match[1] == "/") {
      if (open.empty() || open.back() != match[2]) return "closes what is not open: " + match.str();
      open.pop_back();
    }
  }
  static const std::regex entity{"&(?!amp;|lt;|gt;|quot;)"};
  if (std::regex_search(text, entity)) return "a bare &";
  return open.empty() ? "" : "left open: " + open.back();
}

/// The path of Chromium, or of its kin; empty: there is none.
std::string chromium() {
  const char* const path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  for (rest += ':'; !rest.empty(); rest.erase(0, rest.find(':') + 1)) {
    for (const char* name : {"chromium", "chromium-browser", "chromium-headless-shell",
                             "google-chrome", "chrome-headless-shell"}) {
      const std::string file = rest.substr(0, rest.find(':')) + "/" + name;
      if (::access(file.c_str(), X_OK) == 0) return file;
    }
  }
  return {};
}

/// What the browser makes of the page.
std::string dom_of(const TempDir& dir, const std::string& page) {
  const auto result =
      run({chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
           "--no-first-run", "--user-data-dir=" + dir / "profile", "--virtual-time-budget=5000",
           "--dump-dom", "file://" + page},
          {.env = {"HOME=" + dir.path().string()},
           .timeout = std::chrono::seconds{50},
           .until_exit = true});
  INFO(result.err);
  REQUIRE(result.exited(0));
  return result.out;
}

}  // namespace

TEST_CASE("the SVG is well-formed and stands alone, whatever it shows", "[timeline_svg]") {
  const auto events = GENERATE(zombie_story(), stop_story(), watch_story(), pool_story(2, 10),
                               pool_story(8, 200), pool_story(100, 100), pool_story(2, 20000));
  const std::string svg = drawn(events);
  CHECK(xml_fault(svg).empty());
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(svg.ends_with("</svg>\n"));
  // Nothing is fetched, and nothing runs.
  CHECK(count_of(svg, "http") == 1);
  for (const char* word : {"<script", "href", "@import", "url(h", "<image", "@font-face", "NaN"}) {
    CAPTURE(word);
    CHECK(count_of(svg, word) == 0);
  }
}

TEST_CASE("the SVG has a title and a description in words", "[timeline_svg]") {
  const std::string svg = drawn(zombie_story());
  CHECK(svg.find("role=\"img\" aria-labelledby=\"title desc\"") != std::string::npos);
  CHECK(svg.find("<title id=\"title\">procrun test: 4 processes, 1.00s</title>") !=
        std::string::npos);
  CHECK(svg.find("102 child: made by 101 after 200ms, a zombie after 400ms, adopted by 1 after "
                 "700ms, exited with code 0 and reaped after 800ms.") != std::string::npos);
}

TEST_CASE("the SVG shows each process by a row, its states, and what they mean", "[timeline_svg]") {
  const std::string zombie = drawn(zombie_story());
  for (const char* part :
       {">1 systemd</text>", ">100 procrun</text>", ">101 parent</text>", ">102 child</text>",
        "class=\"dead\"", "class=\"adopt\"", "class=\"outsider\"", ">zombie</text>",
        ">adoption</text>", ">fork: a copy runs</text>", ">400ms</text>"}) {
    CAPTURE(part);
    CHECK(zombie.find(part) != std::string::npos);
  }
  CHECK(zombie.find(">stopped</text>") == std::string::npos);  // only what is there is explained
  CHECK(zombie.find("class=\"failed\"") == std::string::npos);
  const std::string stop = drawn(stop_story());
  for (const char* part : {"class=\"stop\"", "class=\"exec\"", "class=\"thin\"", "class=\"failed\"",
                           ">KILL</text>", ">stopped</text>", ">101 sleep 60</text>"}) {
    CAPTURE(part);
    CHECK(stop.find(part) != std::string::npos);
  }
}

TEST_CASE("the SVG says of a stranger that nobody knows how it ended, by sign and in words",
          "[timeline_svg]") {
  const std::string watched = drawn(watch_story());
  for (const char* part :
       {"<title>61 unknown: watched from 10.0ms on, ended after 400ms, how is not known</title>",
        "class=\"unknown\"", ">?</text>", ">ended, how is not known</text>", ">code 3</text>",
        ">KILL</text>", ">seen no further</text>"}) {
    CAPTURE(part);
    CHECK(watched.find(part) != std::string::npos);
  }
  CHECK(count_of(watched, "class=\"unknown\"") == 2);  // its own, and the legend's
  CHECK(drawn(stop_story()).find("class=\"unknown\"") == std::string::npos);
}

TEST_CASE("the SVG has colours for light and for dark readers", "[timeline_svg]") {
  const std::string svg = drawn(stop_story());
  const auto dark = svg.find("@media (prefers-color-scheme: dark)");
  REQUIRE(dark != std::string::npos);
  const std::regex variable{R"((--\w+): #)"};
  const std::string light = svg.substr(0, dark);
  const std::string rest = svg.substr(dark);
  std::size_t count = 0;
  for (std::sregex_iterator one{light.begin(), light.end(), variable}, end; one != end; ++one) {
    CAPTURE(one->str());
    CHECK(rest.find((*one)[1].str() + ": #") != std::string::npos);
    ++count;
  }
  CHECK(count > 10);
}

TEST_CASE("the SVG grows with its rows, not with the processes of a slot", "[timeline_svg]") {
  const std::string few = drawn(pool_story(2, 10));
  const std::string many = drawn(pool_story(2, 20000));
  const std::regex height{R"re(height="([0-9.]+)" viewBox)re"};
  std::smatch one;
  std::smatch other;
  REQUIRE(std::regex_search(few, one, height));
  REQUIRE(std::regex_search(many, other, height));
  CHECK(one[1] == other[1]);
  CHECK(many.size() < 1'000'000);
  CHECK(many.find("10000 processes</text>") != std::string::npos);
  CHECK(many.find("did not exit with 0</title>") != std::string::npos);
}

TEST_CASE("a name is text in the SVG, never markup", "[timeline_svg]") {
  const std::string svg = drawn({{.type = Type::RunStart, .at = ms(0), .pid = 1},
                                 {.type = Type::Fork,
                                  .at = ms(1),
                                  .pid = 2,
                                  .ppid = 1,
                                  .text = "</text><script>\"&\x01\xff\xEF\xBF\xBF"},
                                 {.type = Type::RunEnd, .at = ms(2)}});
  CHECK(xml_fault(svg).empty());
  CHECK(svg.find("&lt;/text&gt;&lt;script&gt;&quot;&amp;\\001\\377?") != std::string::npos);
}

TEST_CASE("of a run of which nothing was told there is no SVG", "[timeline_svg]") {
  CHECK(timeline_svg({}, "x").empty());
}

TEST_CASE("a browser shows the SVG: no error, its text, its size, nothing cut off",
          "[timeline_svg][chromium]") {
  if (chromium().empty()) {
    WARN("skipped: no Chromium in PATH");
    return;
  }
  const auto [events, height, label] = GENERATE(table<std::vector<Event>, int, std::string>({
      {zombie_story(), 78 + 4 * 28 + 6 + 60, "102 child"},
      {watch_story(), 78 + 6 * 28 + 6 + 60, "61 unknown"},
      {pool_story(5, 10), 78 + 11 * 28 + 6 + 60, "slot 5: 2 processes"},
      {pool_story(100, 200), 78 + 201 * 14 + 6 + 60, "slot 100: 2 processes"},
  }));
  const TempDir dir;
  const std::string svg = drawn(events);
  write_file(dir / "p.svg", svg);
  const std::string alone = dom_of(dir, dir / "p.svg");
  CHECK(alone.find("parsererror") == std::string::npos);
  CHECK(alone.find(label) != std::string::npos);
  // In a page, which may ask where each text ended up.
  write_file(dir / "page.html",
             "<!DOCTYPE html><meta charset=utf-8><body><img id=i src=p.svg>" + svg + R"(<script>
onload = () => {
  const image = document.getElementById('i');
  const frame = document.querySelector('svg').viewBox.baseVal;
  let cut = [];
  for (const text of document.querySelectorAll('text')) {
    const box = text.getBBox();
    const fits = box.x >= 0 && box.y >= 0 && box.x + box.width <= frame.width &&
                 box.y + box.height <= frame.height;
    if (!fits) cut.push(text.textContent);
  }
  document.body.dataset.size = image.naturalWidth + 'x' + image.naturalHeight;
  document.body.dataset.cut = cut.join(',');
};
</script>)");
  const std::string page = dom_of(dir, dir / "page.html");
  CHECK(page.find("data-size=\"1000x" + std::to_string(height) + "\"") != std::string::npos);
  CHECK(page.find("data-cut=\"\"") != std::string::npos);
}

}  // namespace procrun::test
