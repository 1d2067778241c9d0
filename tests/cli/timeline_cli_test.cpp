// --timeline: the picture of a run, of the built program.
#include <sys/stat.h>

#include "program.h"
#include "report/event_records.h"

namespace procrun::test {
namespace {

/// The picture's lines of what was written: from its title on.
Lines picture_in(const std::string& text) {
  Lines lines = lines_of(text);
  const auto title = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return matches(line, "procrun [a-z]+: [0-9]+ process(es)?, .*");
  });
  CAPTURE(text);
  REQUIRE(title != lines.end());
  lines.erase(lines.begin(), title);
  return lines;
}

Words with_timeline(const std::string& verb, const Words& options, const Words& command) {
  Words words{verb, "-q"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), command.begin(), command.end());
  if (verb == "pool") words.insert(words.end(), {":::", "item"});
  return words;
}

bool has_file(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

}  // namespace

TEST_CASE("each verb that runs something draws its processes, and -q leaves only that", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  CAPTURE(verb);
  const Result result =
      run_procrun(with_timeline(verb, {"--timeline"}, {"sh", "-c", "echo out; sleep 0.1; exit 3"}),
                  {.env = {"COLUMNS=100"}});
  CHECK(result.out == "out\n");
  const Lines picture = picture_in(result.err);
  CHECK(picture.size() == (verb == "wait" ? 6 : 7));
  CHECK(lines_of(result.err).size() == picture.size());
  CHECK(matches(picture[1], " +0 .*[0-9]+(ms|µs).*"));
  CHECK(matches(picture[3], "[0-9]+ procrun .*━.*"));
  const std::string command = picture[picture.size() - 2];
  CHECK(matches(command, ".*└ [0-9]+ sh.*◆(━)*✗ 3"));
  if (verb != "wait") CHECK(matches(picture[4], "└ [0-9]+ worker .*✓"));
  CHECK(picture.back().find("running") != std::string::npos);
}

TEST_CASE("the picture names the pids that the story names", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"spawn", "--timeline", "sleep", "0.01"});
  const Lines lines = lines_of(result.err);
  const auto told = matched(lines, "This is child process ([0-9]+) from parent process ([0-9]+).*");
  const Lines picture = picture_in(result.err);
  CHECK(picture[4].find(" " + told[2].str() + " worker") != std::string::npos);
  CHECK(picture[5].find(" " + told[1].str() + " sleep") != std::string::npos);
}

TEST_CASE("the picture goes to a file as an SVG, and to the terminal only if asked to", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  const std::string file = dir / "p.svg";
  write_file(file, std::string(1'000'000, 'x'));  // written anew
  CAPTURE(verb);
  const Result result = run_procrun(with_timeline(verb, {"--timeline=" + file}, {"true"}));
  CHECK(result.exited(0));
  CHECK(result.err.empty());
  const std::string svg = read_file(file);
  CHECK(svg.starts_with("<svg "));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK(svg.find("procrun " + verb + ": ") != std::string::npos);
  CHECK(svg.find(verb == "pool" ? " true item</text>" : " true</text>") != std::string::npos);
  const Result both =
      run_procrun(with_timeline(verb, {"--timeline", "--timeline=" + file}, {"true"}));
  CHECK_FALSE(picture_in(both.err).empty());
  CHECK(read_file(file).ends_with("</svg>\n"));
}

TEST_CASE("a picture's file that cannot be written is refused before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  CAPTURE(verb);
  const Result result = run_procrun(with_timeline(verb, {"--timeline=/nonexistent/p.svg"},
                                                  {"sh", "-c", "echo >$0", dir / "ran"}));
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: " + verb + ": /nonexistent/p.svg: No such file or directory\n");
  CHECK_FALSE(has_file(dir / "ran"));
}

TEST_CASE("DISKFULL: a picture that does not fit is an error of its own", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  CAPTURE(verb);
  const Result result =
      run_procrun(with_timeline(verb, {"--timeline=/dev/full"}, {"sh", "-c", "echo ran"}));
  CHECK(result.exited(125));
  CHECK(result.out == "ran\n");
  CHECK(result.err ==
        "procrun: " + verb + ": write the picture to /dev/full: No space left on device\n");
}

TEST_CASE("with --ascii the picture is ASCII alone, and it needs one in the terminal", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"spawn", "-q", "--timeline", "--ascii", "--name", "Größe", "sleep", "0.01"});
  for (const char byte : result.err) CHECK(static_cast<unsigned char>(byte) < 0x80);
  CHECK(picture_in(result.err)[5].find("Gr??e") != std::string::npos);
  const Words options = GENERATE(Words{"--ascii"}, Words{"--ascii", "--timeline=/dev/null"});
  Words words = with_timeline("pool", options, {"true"});
  const Result refused = run_procrun(words);
  CHECK(refused.exited(125));
  CHECK(refused.err ==
        "procrun: pool: --ascii is for the terminal's picture: say --timeline, too\n");
}

TEST_CASE("the picture comes when the run was interrupted, too", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  const int signal = GENERATE(SIGINT, SIGTERM);
  CAPTURE(verb, signal);
  auto running =
      start_procrun(with_timeline(verb, {"--timeline", "--timeline=" + dir / "p.svg"},
                                  {"sh", "-c", "echo >$0; exec sleep 60", dir / "began"}));
  REQUIRE(eventually([&] { return has_file(dir / "began"); }));
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.signaled(signal));
  const std::string name = verb == "pool" ? "TERM" : signal == SIGINT ? "INT" : "TERM";
  CHECK(matches(picture_in(result.err)[verb == "wait" ? 4 : 5], ".* sh.*✗ " + name));
  CHECK(read_file(dir / "p.svg").ends_with("</svg>\n"));
}

TEST_CASE("the picture comes when procrun itself gives the run up", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait", "pool");
  CAPTURE(verb);
  const Result result =
      run_procrun(with_timeline(verb, {"--timeline", "--events", "/dev/full"}, {"sleep", "60"}));
  CHECK(result.exited(125));
  CHECK(result.err.find("write to the events /dev/full: No space left") != std::string::npos);
}

TEST_CASE("a picture shows a command that was stopped, and an orphan's adoption", "[cli]") {
  const NoDescendantLeft guard;
  const Result stopped = run_procrun(
      {"spawn", "-q", "--timeline", "sh", "-c",
       "(sleep 0.4; kill -CONT $$) & sleep 0.1; kill -STOP $$; sleep 0.1; wait; exit 0"});
  CHECK(matches(picture_in(stopped.err)[5], ".* sh .*◆(━)+(╌)+(━)+✓"));
  const Result orphan =
      run_procrun({"wait", "-q", "--timeline", "sh", "-c", "sleep 0.3 & sleep 0.1; exit 0"});
  const Lines picture = picture_in(orphan.err);
  CHECK(matches(picture[3], "[0-9]+ procrun .*╥.*"));
  CHECK(matches(picture[5], "└ [0-9]+ sleep 0.3 .*╨.*"));
  CHECK(picture.back().find("╥║╨ adoption") != std::string::npos);
}

TEST_CASE("the picture is as wide as the terminal, and has colours only there", "[cli]") {
  const NoDescendantLeft guard;
  const auto columns = GENERATE(as<unsigned short>{}, 60, 100, 200);
  Terminal terminal;
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::ioctl(terminal.slave(), TIOCSWINSZ, &size) == 0);
  auto running = start_procrun({"spawn", "-q", "--timeline", "sleep", "0.05"},
                               on_terminal(terminal, {.env = {"TERM=xterm"}}));
  terminal.close_slave();
  const std::string text = terminal.read_rest();
  CHECK(running.finish().exited(0));
  CHECK(text.find("\033[32m━") != std::string::npos);
  const std::string plain = std::regex_replace(text, std::regex{"\033\\[[0-9;]*m"}, "");
  const Lines lines = lines_of(plain);
  std::ptrdiff_t widest = 0;
  for (const auto& line : lines) {
    widest = std::max(widest, std::count_if(line.begin(), line.end(), [](char byte) {
                        return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80;
                      }));
  }
  CHECK(widest <= columns);
  CHECK(widest > columns - 10);
  const Result piped =
      run_procrun({"spawn", "-q", "--timeline", "true"}, {.env = {"TERM=xterm", "COLUMNS=60"}});
  CHECK(piped.err.find('\033') == std::string::npos);
  CHECK(matches(picture_in(piped.err)[2], " +(┬|─)+"));
}

TEST_CASE("a pool's picture has a row for each slot, and shows each failure", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"pool", "-q", "-j2", "--timeline", "sleep 0.05; exit {}", ":::", "0", "0", "0", "0", "9"});
  const Lines picture = picture_in(result.err);
  CHECK(std::count_if(picture.begin(), picture.end(), [](const auto& line) {
          return matches(line, "(│|└| )+ slot [12]: [23] processes .*");
        }) == 2);
  const std::string all = result.err;
  CHECK(all.find("✗ 9") != std::string::npos);
}

TEST_CASE("a worker that is lost is in the picture, with its command come to procrun", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"spawn", "-q", "--timeline", "sh", "-c", "sleep 0.1; kill -9 $PPID; exec sleep 60"});
  const Lines picture = picture_in(result.err);
  CHECK(matches(picture[4], ".* worker .*✗.*"));
  CHECK(result.err.find("adoption") != std::string::npos);
}

TEST_CASE("each lesson draws what its watcher or its parent has seen, on stdout", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto [lesson, rows] = GENERATE(table<Words, std::size_t>({
      {{"fork"}, 2},
      {{"fork", "--memory"}, 2},
      {{"fork", "--zombie=1ms"}, 4},
      {{"fork", "--orphan=1ms"}, 4},
      {{"wait", "--count", "3"}, 4},
      {{"waitpid", "--speed", "100"}, 4},
      {{"spawn", "--start-method", "spawn"}, 2},
      {{"pool", "-j2", "--speed", "200"}, 3},
      {{"pool", "-j2", "--speed", "50", "--kill-worker", "2"}, 3},
  }));
  Words words = lesson;
  words.insert(words.end(), {"--timeline", "--timeline=" + dir / "p.svg"});
  const Result result = run_procrun(words, {.env = {"COLUMNS=200"}});
  CAPTURE(lesson, result.out, result.err);
  CHECK(result.exited(0));
  const Lines picture = picture_in(result.out);
  CHECK(picture[0].starts_with("procrun " + lesson[0] + ": "));
  REQUIRE(picture.size() >= 3 + rows + 1);
  CHECK(picture[3 + rows].find("━ running") != std::string::npos);
  CHECK(picture[3 + rows].find("┯│╰ fork") != std::string::npos);
  CHECK(read_file(dir / "p.svg").ends_with("</svg>\n"));
}

TEST_CASE("a lesson's picture has colours where --color says so", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("fork", "wait", "waitpid", "spawn", "pool");
  CAPTURE(verb);
  const auto has_colour = [&](const std::string& when) {
    Words words{verb, "--timeline", "--color", when};
    if (verb != "spawn") words.insert(words.end(), {"--speed", "100"});
    const Result result = run_procrun(words);
    CHECK(result.exited(0));
    return result.out.find("\033[") != std::string::npos;
  };
  CHECK(has_colour("always"));
  CHECK_FALSE(has_colour("never"));
}

TEST_CASE("the zombie's picture shows it as one, until its adopter has reaped it", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"fork", "--zombie=50ms", "--timeline"}, {.env = {"COLUMNS=200"}});
  const Lines picture = picture_in(result.out);
  CHECK(matches(picture[3], number(::getpid()) + " [^ ]+ .*┄.*╥.*"));
  // Behind its end may go by, on its way to the adopter, the line of the adoption.
  CHECK(matches(picture[5], "└ [0-9]+ parent process .*✓ *(║)?"));
  CHECK(matches(picture[6], " +└ [0-9]+ child process .*"));
  CHECK(picture[6].find("░") != std::string::npos);
  CHECK(picture[6].find("╨") != std::string::npos);
  CHECK(picture[7].find("░ zombie") != std::string::npos);
  CHECK(picture[7].find("╥║╨ adoption") != std::string::npos);
}

TEST_CASE("a lesson that is interrupted draws what it has seen until then", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running =
      start_procrun({"fork", "--zombie=60s", "--timeline", "--timeline=" + (dir / "p.svg")});
  running.read_until(Stream::Out, "state Z (zombie)");
  running.send(SIGINT);
  const Result result = running.finish();
  CHECK(result.signaled(SIGINT));
  const Lines picture = picture_in(result.out);
  CHECK(matches(picture[3], "[0-9]+ procrun .*"));
  CHECK(matches(picture[5], " +└ [0-9]+ child process .*→"));
  // In columns the zombie may be less than one: the run ends as soon as we have read of it.
  const std::string child = group_of(lines_of(result.out), R"(Parent process ret=(\d+))");
  CHECK(std::regex_search(
      read_file(dir / "p.svg"),
      std::regex{child +
                 " child process: made by [^:]* a zombie after [^:]*its end was not seen"}));
}

TEST_CASE("a lesson of a parent that waits leaves no child when it is told to end, and draws all",
          "[cli]") {
  const NoDescendantLeft guard;
  const Words lesson =
      GENERATE(Words{"wait", "--count", "3", "--speed", "0.001"},
               Words{"waitpid", "--speed", "0.001"}, Words{"pool", "-j2", "--speed", "0.001"});
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(lesson, signal);
  const TempDir dir;
  Words words = lesson;
  words.insert(words.end(), {"--timeline", "--events", dir / "e"});
  auto running = start_procrun(words);
  running.read_until(Stream::Out, "child process");
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.signaled(signal));
  // They were reaped by their own parent: none has come to us.
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
  CHECK(errno == ECHILD);
  const Lines picture = picture_in(result.out);
  CHECK(matches(picture[3], "[0-9]+ procrun .*┯.*"));
  CHECK(matches(picture[4], "(├|└) [0-9]+ (child process|worker) .*✗ (KILL|TERM)"));
  const auto records = event_records(read_file(dir / "e"));
  CHECK(records.back().at("type") == "run_end");
  const std::string name = ::sigabbrev_np(signal);
  CHECK(records.back().at("text") == "told to end by signal " + name);
}

TEST_CASE("who waits without a child is alone in the picture", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result = run_procrun({"wait", "--childless", "--timeline", "--events", dir / "e"});
  CHECK(result.exited(1));
  const Lines picture = picture_in(result.out);
  CHECK(picture.size() == 5);
  CHECK(matches(picture[3], "[0-9]+ procrun (━)+"));
  CHECK(types_of(event_records(read_file(dir / "e"))) ==
        std::vector<std::string>{"run_start", "run_end"});
}

}  // namespace procrun::test
