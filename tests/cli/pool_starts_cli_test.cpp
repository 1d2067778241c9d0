// pool: when the next job starts.
#include "program.h"

namespace procrun::test {
namespace {

/// Reads the whole of what was told, which has to be an error on the command line.
std::string refusal(const Words& options) {
  Words words{"pool"};
  words.insert(words.end(), options.begin(), options.end());
  words.insert(words.end(), {"echo", ":::", "a"});
  const Result result = run_procrun(words);
  CHECK(result.out == "");
  CHECK(result.exited(125));
  return result.err;
}

}  // namespace

TEST_CASE("pool: --delay lies between two starts, also where places are free", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result =
      run_procrun({"pool", "-q", "-k", "-j4", "--delay", "60ms", "echo", ":::", "a", "b", "c"});
  CHECK(Clock::now() - begin >= milliseconds{120});
  CHECK(result.out == "a\nb\nc\n");
  CHECK(result.exited(0));
}

TEST_CASE("pool: jobs that end at once are not started before their delay", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  Words words{"pool", "-q", "-j1", "--delay", "5ms", "true", ":::"};
  for (int i = 0; i < 41; ++i) words.emplace_back("x");
  CHECK(run_procrun(words).exited(0));
  CHECK(Clock::now() - begin >= milliseconds{200});
}

TEST_CASE("pool: nothing starts while less memory is available than --memfree says", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "--memfree", "1000T", "echo", ":::", "a", "b"});
  running.read_until(Stream::Err, "Current process is ");
  REQUIRE(eventually([&] { return status_of(running.pid(), "State").starts_with("S"); }));
  CHECK(descendants_of(running.pid()).empty());
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "");
  CHECK(lines_of(result.err).back().starts_with("pool process done: 0 jobs"));
  CHECK(result.signaled(SIGTERM));
}

TEST_CASE("pool: a machine that is fit enough for --load and --memfree runs all jobs", "[cli]") {
  const NoDescendantLeft guard;
  const Words load = GENERATE(Words{"--load", "100000"}, Words{"--load=100000%"});
  Words words{"pool", "-q", "-k", "-j2", "--memfree", "1", "echo", ":::", "a", "b", "c"};
  words.insert(words.begin() + 1, load.begin(), load.end());
  const Result result = run_procrun(words);
  CHECK(result.out == "a\nb\nc\n");
  CHECK(result.exited(0));
}

TEST_CASE("pool: a load, a delay or a size that is none is refused, with what it could be",
          "[cli]") {
  const std::string load = GENERATE("0", "x", "-1", "4x", "%", "", "inf");
  CHECK(refusal({"--load=" + load}).find("80% of the processors") != std::string::npos);
  CHECK(refusal({"--delay", "1x"}).find("is not a duration") != std::string::npos);
  CHECK(refusal({"--memfree", "1x"}).find("is not a size") != std::string::npos);
}

}  // namespace procrun::test
