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

TEST_CASE("pool: --timeout N% ends a job that takes far longer than those before it", "[cli]") {
  const NoDescendantLeft guard;
  // It runs already when the third has ended and the median is known.
  const Result result = run_procrun({"pool", "-k", "-j2", "--timeout", "300%", "--kill-after", "9s",
                                     "sleep {}; echo {}", ":::", "60", "0.3", "0.3", "0.3"});
  CHECK(result.out == "0.3\n0.3\n0.3\n");
  CHECK(result.err.find("time is up for ") != std::string::npos);
  CHECK(lines_of(result.err)
            .back()
            .starts_with("pool process done: 4 jobs, 3 ok, 1 failed (job 1: "));
  CHECK(result.exited(1));
}

TEST_CASE("pool: with --timeout N% each attempt has the whole time", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string log = dir / "log";
  const Result result =
      run_procrun({"pool", "-q", "-j1", "--timeout", "200%", "--retries", "1", "--retry-on",
                   "timeout", "echo {} >>" + log + "; sleep {}", ":::", "0.2", "0.2", "0.2", "60"});
  CHECK(read_file(log) == "0.2\n0.2\n0.2\n60\n60\n");
  CHECK(result.exited(1));
}

TEST_CASE("pool: before three jobs have ended well, --timeout N% ends none", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"pool", "-q", "-k", "-j1", "--timeout", "1%", "sleep {}; echo {}", ":::", "0", "0", "0.2"});
  CHECK(result.out == "0\n0\n0.2\n");
  CHECK(result.exited(0));
}

TEST_CASE("a percentage as a time limit is for a pool alone, and above nothing", "[cli]") {
  CHECK(refusal({"--timeout", "0%"}).find("from 1 to 100000") != std::string::npos);
  const Result result = run_procrun({"spawn", "--timeout", "50%", "true"});
  CHECK(result.err.find("is not a duration") != std::string::npos);
  CHECK(result.exited(125));
}

}  // namespace procrun::test
