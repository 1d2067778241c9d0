// pool --progress: how far it is, on a terminal and in a log.
#include "program.h"

namespace procrun::test {
namespace {

constexpr auto kErase = "\033[K";

/// On a terminal of so many columns.
Options on_wide(const Terminal& terminal, unsigned short columns, Options options = {}) {
  const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
  REQUIRE(::ioctl(terminal.slave(), TIOCSWINSZ, &size) == 0);
  options.env.emplace_back("TERM=xterm");
  return on_terminal(terminal, std::move(options));
}

}  // namespace

TEST_CASE("pool: the bar tells how far it is, and nothing is left of it at the end", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Terminal terminal;
  const std::string go = dir / "go";
  auto running = start_procrun(
      {"pool", "--log-level", "off", "-j2", "-k", "--progress", "bar",
       "[ {} = 1 ] || while [ ! -e " + go + " ]; do sleep 0.01; done; " + "echo out {}; exit {}",
       ":::", "1", "0", "0", "0"},
      on_wide(terminal, 120));
  terminal.close_slave();
  terminal.read_until("[##########..............................] 1/4 done, 2 running, 1 failed");
  write_file(go, "");
  const std::string rest = terminal.read_rest();
  CHECK(running.finish().exited(1));
  // Each line of output begins where the bar was erased, or at the beginning of a line.
  for (const auto& line : lines_of(rest)) {
    const auto bar = line.rfind("running");
    if (bar != std::string::npos) CHECK(line.find(kErase, bar) != std::string::npos);
  }
  CHECK(rest.find("out 0\n") != std::string::npos);
  CHECK(lines_of(rest).back().find("pool process done: 4 jobs, 3 ok, 1 failed") !=
        std::string::npos);
}

TEST_CASE("pool: on a narrow terminal the bar gives way to its text, and that is cut", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"pool", "-j1", "--progress", "auto", "sleep 60 #", ":::", "1", "2"},
                               on_wide(terminal, 12));
  terminal.close_slave();
  terminal.read_until("0/2 done, 1");
  running.send(SIGTERM);
  const std::string rest = terminal.read_rest();
  CHECK(running.finish().signaled(SIGTERM));
  CHECK(rest.starts_with(kErase));
}

TEST_CASE("T34: a stopped pool leaves no bar on the terminal, and draws it again when it goes on",
          "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"pool", "-j1", "--progress", "bar", "sleep 60 #", ":::", "1", "2"},
                               on_wide(terminal, 80));
  terminal.close_slave();
  terminal.read_until("0/2 done, 1 running");
  running.send(SIGTSTP);
  terminal.read_until(kErase);
  REQUIRE(eventually([&] { return status_of(running.pid(), "State").starts_with("T"); }));
  running.send(SIGCONT);
  terminal.read_until("0/2 done, 1 running");
  running.send(SIGTERM);
  terminal.read_rest();
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("pool: in a log progress is a line each period", "[cli]") {
  const NoDescendantLeft guard;
  const std::string form = GENERATE("auto", "plain");
  auto running = start_procrun({"pool", "-j1", "--progress", form, "--progress-every", "50ms",
                                "sleep 60 #", ":::", "1", "2"});
  running.read_until(Stream::Err, "procrun: pool: 0/2 done, 1 running\n");
  running.read_until(Stream::Err, "procrun: pool: 0/2 done, 1 running\n");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("pool: without --progress, and with -q, nothing is told of it", "[cli]") {
  const NoDescendantLeft guard;
  const Result quiet = run_procrun(
      {"pool", "-q", "--progress", "plain", "--progress-every", "10ms", "sleep", ":::", "0.1"});
  CHECK(quiet.err == "");
  Terminal terminal;
  auto running = start_procrun({"pool", "echo", ":::", "a"}, on_wide(terminal, 80));
  terminal.close_slave();
  CHECK(terminal.read_rest().find(kErase) == std::string::npos);
  CHECK(running.finish().exited(0));
}

TEST_CASE("pool: a form of progress that cannot be is refused", "[cli]") {
  const Words wrong = GENERATE(Words{"--progress", "bars"}, Words{"--progress", "bar"},
                               Words{"--progress-every", "1s"},
                               Words{"--progress", "plain", "--progress-every", "0"});
  CAPTURE(wrong);
  Words words{"pool"};
  words.insert(words.end(), wrong.begin(), wrong.end());
  words.insert(words.end(), {"echo", ":::", "a"});
  const Result result = run_procrun(words);
  CHECK(result.out == "");
  CHECK(result.err.find("--progress") != std::string::npos);
  CHECK(result.exited(125));
}

}  // namespace procrun::test
