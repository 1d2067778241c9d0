// Attempts after the first: how many, when, why, and with which stdin.
#include "job/retry.h"
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

/// How many attempts a command makes that notes each in a file.
std::size_t attempts(const Words& options, const Words& steps, Options how = {}) {
  const TempDir dir;
  Words all{"tick:" + (dir / "t")};
  all.insert(all.end(), steps.begin(), steps.end());
  Words words{"-q"};
  words.insert(words.end(), options.begin(), options.end());
  run_procrun(spawn(words, doing(all)), std::move(how));
  return ticks_in(dir / "t").size();
}

/// The gaps between attempts, in ms.
std::vector<double> gaps(const Words& options) {
  const TempDir dir;
  Words words{"-q"};
  words.insert(words.end(), options.begin(), options.end());
  run_procrun(spawn(words, doing({"tick:" + (dir / "t"), "exit:1"})));
  const auto ticks = ticks_in(dir / "t");
  std::vector<double> all;
  for (std::size_t i = 1; i < ticks.size(); ++i) all.push_back(ticks[i] - ticks[i - 1]);
  return all;
}

/// As spawn_do reports what it has read: the size and the sum.
std::string reading(std::string_view text) {
  unsigned long sum = 0;
  for (const char byte : text) sum = sum * 31 + static_cast<unsigned char>(byte);
  return std::to_string(text.size()) + " " + std::to_string(sum) + "\n";
}

std::string much_text(std::size_t size) {
  std::string text;
  text.reserve(size);
  std::mt19937 random{7};
  while (text.size() < size) text += static_cast<char>(random());
  return text;
}

double in_ms(sys::Duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

TEST_CASE("spawn -r N makes at most N attempts more, and only after a failure", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(attempts({}, {"exit:1"}) == 1);
  CHECK(attempts({"-r", "0"}, {"exit:1"}) == 1);
  CHECK(attempts({"-r", "3"}, {"exit:1"}) == 4);
  CHECK(attempts({"-r", "3"}, {"exit:0"}) == 1);
  CHECK(attempts({"-r", "3", "--ok-exit", "1"}, {"exit:1"}) == 1);
}

TEST_CASE("spawn -r stops at the first success, whose status it has", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "t";
  const Result result = run_procrun(
      spawn({"-q", "--json", "-r", "9"}, doing({"tick:" + file, "unless:3:7:" + file, "out:ok"})));
  CHECK(ticks_in(file).size() == 3);
  CHECK(result.out == "ok\n");
  CHECK(json_number(result.err, "attempts") == 3);
  CHECK(result.exited(0));
}

TEST_CASE("spawn -r has the status of the last attempt when all have failed", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "t";
  CHECK(
      run_procrun(spawn({"-q", "-r", "2"}, doing({"tick:" + file, "unless:3:7:" + file, "exit:8"})))
          .exited(8));
}

TEST_CASE("spawn tells which attempt of how many follows", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(spawn({"-r", "3"}, doing({"exit:1"})));
  for (const char* text : {"attempt 2 of 4 ", "attempt 3 of 4 ", "attempt 4 of 4 "}) {
    CHECK(contains(result.err, text));
  }
  CHECK(result.err.find("attempt 5") == std::string::npos);
  CHECK(result.err.find("attempt 1") == std::string::npos);
}

TEST_CASE("spawn tells of the next attempt before the pause, not behind it", "[spawn]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  auto running = start_procrun(spawn({"-r", "1", "--retry-delay", "2s"}, doing({"exit:1"})));
  running.read_until(Stream::Err, "attempt 2 of 2 ");
  CHECK(Clock::now() - begin < milliseconds{1500});
  running.send(SIGTERM);
  running.finish();
}

TEST_CASE("spawn --retry-delay takes one delay after the other, the last for all further ones",
          "[spawn]") {
  const NoDescendantLeft guard;
  const auto all = gaps({"-r", "3", "--retry-delay", "50ms,200ms"});
  CAPTURE(all);
  REQUIRE(all.size() == 3);
  CHECK(all[0] >= 50);
  CHECK(all[1] >= 200);
  CHECK(all[2] >= 200);
  CHECK(all[0] + all[1] + all[2] < 1950);
}

TEST_CASE("spawn --retry-delay exp doubles up to its cap", "[spawn]") {
  const NoDescendantLeft guard;
  const auto all = gaps({"-r", "4", "--retry-delay", "exp:40ms..100ms"});
  CAPTURE(all);
  REQUIRE(all.size() == 4);
  CHECK(all[0] >= 40);
  CHECK(all[1] >= 80);
  CHECK(all[2] >= 100);
  CHECK(all[3] >= 100);
  CHECK(all[0] + all[1] + all[2] + all[3] < 1820);
}

TEST_CASE("retry delays: a list, then its last for ever", "[spawn]") {
  const auto delays = job::parse_retry_delays("1s,2s,4s");
  CHECK(in_ms(delays.before(1, 0.5)) == 0);
  CHECK(in_ms(delays.before(2, 0.5)) == 1000);
  CHECK(in_ms(delays.before(3, 0.5)) == 2000);
  CHECK(in_ms(delays.before(4, 0.5)) == 4000);
  CHECK(in_ms(delays.before(5, 0.5)) == 4000);
  CHECK(in_ms(delays.before(1'000'000, 0.5)) == 4000);
  CHECK(in_ms(job::RetryDelays{}.before(7, 1)) == 0);
}

TEST_CASE("retry delays: exponential ones stay at their cap, however many there are", "[spawn]") {
  const auto delays = job::parse_retry_delays("exp:1s..60s");
  const std::vector<double> expected{1, 2, 4, 8, 16, 32, 60, 60, 60};
  for (unsigned i = 0; i < expected.size(); ++i) {
    CHECK(in_ms(delays.before(i + 2, 0.5)) == Approx(expected[i] * 1000));
  }
  CHECK(in_ms(delays.before(5000, 0.5)) == Approx(60'000));
  CHECK(in_ms(delays.before(4'000'000'000U, 0.5)) == Approx(60'000));
}

TEST_CASE("retry delays: jitter keeps within its part, on both sides", "[spawn]") {
  auto delays = job::parse_retry_delays("10s");
  delays.jitter = 0.25;
  CHECK(in_ms(delays.before(2, 0)) == Approx(7500));
  CHECK(in_ms(delays.before(2, 0.5)) == Approx(10'000));
  CHECK(in_ms(delays.before(2, 1)) == Approx(12'500));
  delays.jitter = 1;
  CHECK(in_ms(delays.before(2, 0)) == 0);
  CHECK(in_ms(delays.before(2, 1)) == Approx(20'000));
  for (int i = 0; i <= 100; ++i) {
    delays.jitter = 0.1;
    const double delay = in_ms(delays.before(3, i / 100.0));
    CHECK((delay >= 8999.999 && delay <= 11'000.001));
  }
}

TEST_CASE("spawn refuses delays, jitter and reasons that cannot be, with the forms", "[spawn]") {
  const NoDescendantLeft guard;
  const auto with = [](const std::string& option, const std::string& value) {
    return run_procrun(spawn({"-r", "1", option, value}, {"true"}));
  };
  for (const char* value :
       {"soon", "1s,", "exp:1s", "exp:..2s", "exp:1s..", "-1s", "exp:2s..1s", ""}) {
    CAPTURE(value);
    const Result result = with("--retry-delay", value);
    CHECK(refused(result, "--retry-delay: "));
    CHECK(matches(result.err, "[^\n]*(1\\.5s|exp:1s\\.\\.60s)[^\n]*\n"));
  }
  for (const char* value : {"10", "101%", "-1%", "%", ""}) {
    CAPTURE(value);
    CHECK(refused(with("--retry-jitter", value), "--retry-jitter: "));
  }
  for (const char* value : {"sometimes", "code:", "code:x", "code:256", "timeout,", "signals"}) {
    CAPTURE(value);
    CHECK(refused(with("--retry-on", value), "timeout, signal, code:N, match:REGEX"));
  }
  CHECK(refused(with("--retry-on", "match:("), "regular expression"));
  for (const char* value : {"-1", "x", "1.5"}) {
    CAPTURE(value);
    CHECK(refused(run_procrun(spawn({"-r", value}, {"true"})), "--retries: "));
  }
  CHECK(refused(run_procrun(spawn({"--retry-delay", "1s"}, {"true"})), "--retries N"));
  CHECK(refused(run_procrun(spawn({"--retry-on", "timeout"}, {"true"})), "--retries N"));
  CHECK(refused(with("--retry-jitter", "10%"), "--retry-jitter needs --retry-delay"));
}

TEST_CASE("spawn --retry-on tries again for that reason, and for no other", "[spawn]") {
  const NoDescendantLeft guard;
  const auto on = [](const std::string& reasons, const Words& steps) {
    return attempts({"-r", "1", "-t", "150ms", "--retry-on", reasons}, steps);
  };
  CHECK(on("timeout", {"pause"}) == 2);
  CHECK(on("timeout", {"exit:1"}) == 1);
  CHECK(on("timeout", {"kill:9"}) == 1);
  CHECK(on("signal", {"kill:9"}) == 2);
  CHECK(on("signal", {"exit:137"}) == 1);
  CHECK(on("signal", {"pause"}) == 1);
  CHECK(on("code:75", {"exit:75"}) == 2);
  CHECK(on("code:75", {"exit:1"}) == 1);
  CHECK(on("code:75,code:1", {"exit:1"}) == 2);
  CHECK(on("signal,code:75,timeout", {"exit:75"}) == 2);
  CHECK(on("code:0", {"exit:0"}) == 1);  // a success is none of them
}

TEST_CASE("spawn --retry-on match looks into every line of both streams", "[spawn]") {
  const NoDescendantLeft guard;
  const auto on = [](const std::string& regex, const Words& steps) {
    return attempts({"-r", "1", "--retry-on", "match:" + regex}, steps);
  };
  CHECK(on("fatal (error|flaw)", {"out:a fatal flaw", "exit:1"}) == 2);
  CHECK(on("fatal (error|flaw)", {"err:a fatal error", "exit:1"}) == 2);
  CHECK(on("^fatal$", {"out:x", "out:fatal", "out:y", "exit:1"}) == 2);
  CHECK(on("^fatal$", {"out:a fatal error", "exit:1"}) == 1);
  CHECK(on("fatal", {"out:fatal", "exit:0"}) == 1);
  CHECK(on("a,b", {"out:a,b", "exit:1"}) == 2);
  CHECK(on("fatal", {"raw:fatal", "exit:1"}) == 2);  // no newline ends it
  CHECK(on("a.*b", {"out:a", "out:b", "exit:1"}) == 1);
}

TEST_CASE("spawn --retry-on match finds what comes in pieces, or behind a lot", "[spawn]") {
  const NoDescendantLeft guard;
  const auto on = [](const Words& steps, const Words& more = {}) {
    Words options{"-r", "1", "--retry-on", "code:75,match:fatal error"};
    options.insert(options.end(), more.begin(), more.end());
    return attempts(options, steps);
  };
  CHECK(on({"raw:fat", "ms:30", "raw:al err", "ms:30", "out:or", "exit:1"}) == 2);
  CHECK(on({"flood:65530", "out:a fatal error", "exit:1"}) == 2);
  CHECK(on({"flood:655360", "out:a fatal error", "flood:200000", "exit:1"}) == 2);
  CHECK(on({"flood:300000", "exit:1"}) == 1);
  CHECK(on({"out:fatal error", "exit:1"}, {"--quiet-ok"}) == 2);
  CHECK(on({"out:fatal error", "exit:1"}, {"--prefix", "fatal error"}) == 2);
  CHECK(on({"out:fatal", "exit:1"}, {"--prefix", "fatal error"}) == 1);
}

TEST_CASE("spawn gives each attempt the stdin file from where it stood", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "t";
  const std::string text = much_text(200'000);
  write_file(dir / "in", text);
  const int fd = ::open((dir / "in").c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(fd != -1);
  ::lseek(fd, 1000, SEEK_SET);
  const Result result = run_procrun(
      spawn({"-q", "-r", "2"}, doing({"tick:" + file, "read:70000", "unless:2:1:" + file, "all",
                                      "unless:3:1:" + file})),
      {.stdin_fd = fd});
  ::close(fd);
  const std::string_view seen = std::string_view{text}.substr(1000);
  const std::string part = reading(seen.substr(0, 70'000));
  const std::string rest = reading(seen.substr(70'000));
  // The third attempt reads as the second did, and succeeds.
  CHECK(result.out == part + part + rest + part + rest);
  CHECK(result.exited(0));
}

TEST_CASE("spawn gives each attempt all that came through a pipe", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "t";
  const std::string text = much_text(5'000'000);
  const Result result = run_procrun(
      spawn({"-q", "-r", "2"}, doing({"tick:" + file, "read:100000", "unless:2:1:" + file, "all"})),
      {.input = text});
  const std::string part = reading(std::string_view{text}.substr(0, 100'000));
  CHECK(result.out == part + part + reading(std::string_view{text}.substr(100'000)));
  CHECK(result.exited(0));
}

TEST_CASE("spawn gives an attempt nothing of a stdin that an earlier one did not wait for",
          "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "t";
  // The end of the input comes only after the first attempt has failed.
  auto running = start_procrun(
      spawn({"-q", "-r", "1"}, doing({"tick:" + file, "read:3", "unless:2:1:" + file, "all"})),
      {.keep_stdin_open = true});
  running.write("abc");
  running.read_until(Stream::Out, reading("abc"));
  running.read_until(Stream::Out, reading("abc"));
  running.write("defg");
  running.close_input();
  const Result result = running.finish();
  CHECK(result.out == reading("abc") + reading("abc") + reading("defg"));
  CHECK(result.exited(0));
}

TEST_CASE("spawn --stdin is read again by each attempt", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "in", "some text");
  const Result result =
      run_procrun(spawn({"-q", "-r", "1", "--stdin", dir / "in"}, doing({"all", "exit:1"})));
  CHECK(result.out == reading("some text") + reading("some text"));
}

TEST_CASE("spawn does not try again what it was told to end", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(signal);
  auto running =
      start_procrun(spawn({"-q", "-r", "5"}, doing({"tick:" + (dir / "t"), "out:ready", "pause"})));
  running.read_until(Stream::Out, "ready\n");
  running.send(signal);
  CHECK(running.finish().signaled(signal));
  CHECK(ticks_in(dir / "t").size() == 1);
}

TEST_CASE("spawn does not try again when it is told to end between two attempts", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const int signal = GENERATE(SIGINT, SIGTERM);
  CAPTURE(signal);
  auto running = start_procrun(
      spawn({"-r", "5", "--retry-delay", "30s"}, doing({"tick:" + (dir / "t"), "exit:3"})));
  running.read_until(Stream::Err, "attempt 2 of 6 follows");
  running.send(signal);
  const auto begin = Clock::now();
  CHECK(running.finish().signaled(signal));  // or the shell's loop around it would go on
  CHECK(Clock::now() - begin < seconds{2});
  CHECK(ticks_in(dir / "t").size() == 1);
}

TEST_CASE("spawn does not try again what left processes that live on", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  run_procrun(spawn({"-q", "-r", "3", "--leak=ignore"},
                    doing({"tick:" + (dir / "t"), "fork{", "pause", "}", "exit:1"})),
              {.env = {mark.env()}, .until_exit = true});
  CHECK(ticks_in(dir / "t").size() == 1);
  for (const pid_t pid : mark.bearers()) {
    if (status_of(pid, "Name") == "spawn_do") ::kill(pid, SIGKILL);
  }
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("spawn ends what an attempt left behind before the next begins", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  const Result result = run_procrun(
      spawn({"-q", "-r", "2"}, doing({"tick:" + (dir / "t"), "orphan{", "pause", "}", "exit:1"})),
      {.env = {mark.env()}});
  CHECK(mark.gone());
  CHECK(ticks_in(dir / "t").size() == 3);
  CHECK(result.exited(1));
}

}  // namespace procrun::test
