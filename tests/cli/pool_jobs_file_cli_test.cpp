// pool -j FILE: the number of jobs at once comes from a file and may change while they run.
#include "program.h"

namespace procrun::test {
namespace {

/// Waits until `count` files that `begun` names are in the directory.
std::string meet(const std::string& dir, int count) {
  return "while [ $(ls " + dir + " | grep -c begun) -lt " + std::to_string(count) +
         " ]; do sleep 0.01; done; ";
}

}  // namespace

TEST_CASE("pool: when the file of -j says more, more jobs run at once", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "jobs";
  write_file(file, "1\n");
  const std::string write =
      GENERATE(as<std::string>{}, "echo 3 >FILE", "echo 3 >FILE.new; mv FILE.new FILE");
  std::string line = write;
  for (std::size_t at = 0; (at = line.find("FILE")) != std::string::npos;) {
    line.replace(at, 4, file);
  }
  // None ends before all three have begun.
  const Result result = run_procrun({"pool", "-q", "-k", "-j", file,
                                     "touch " + (dir / "begun") + "{}; if [ {} = 1 ]; then " +
                                         line + "; fi; " + meet(dir / ".", 3) + "echo {}",
                                     ":::", "1", "2", "3"});
  CHECK(result.out == "1\n2\n3\n");
  CHECK(result.exited(0));
}

TEST_CASE("pool: when the file of -j says less, fewer jobs run at once, and none is ended for it",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "jobs";
  const std::string log = dir / "log";
  write_file(file, "3");
  const std::string first = "touch " + (dir / "begun") + "{}; " + meet(dir / ".", 3) +
                            "if [ {} = 1 ]; then echo 1 >" + file + "; touch " + (dir / "done") +
                            "; fi; while [ ! -e " + (dir / "done") + " ]; do sleep 0.01; done; ";
  const Result result =
      run_procrun({"pool", "-q", "-j", file,
                   "echo + >>" + log + "; if [ {} -le 3 ]; then " + first + "fi; echo - >>" + log,
                   ":::", "1", "2", "3", "4", "5", "6"});
  CHECK(lines_of(read_file(log)) ==
        Lines{"+", "+", "+", "-", "-", "-", "+", "-", "+", "-", "+", "-"});
  CHECK(result.exited(0));
}

TEST_CASE("pool: what the file of -j holds and is no number is warned of, and changes nothing",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string file = dir / "jobs";
  write_file(file, "1");
  const Result result = run_procrun(
      {"pool", "-q", "-k", "-j", file, "echo many{} >" + file + "; echo {}", ":::", "1", "2"});
  CHECK(result.out == "1\n2\n");
  CHECK(result.err.find("jobs: 'many1' is not a number of jobs") != std::string::npos);
  CHECK(result.exited(0));
}

TEST_CASE("pool: a -j that is neither a number nor a file with one is refused", "[cli]") {
  const TempDir dir;
  const std::string file = dir / "jobs";
  write_file(file, "many");
  const Result result = run_procrun({"pool", "-j", file, "echo", ":::", "a"});
  CHECK(result.err.find("jobs: 'many' is not a number of jobs") != std::string::npos);
  CHECK(result.exited(125));
  CHECK(run_procrun({"pool", "-j", dir / "none", "echo", ":::", "a"}).exited(125));
  write_file(file, "2");
  CHECK(run_procrun({"pool", "-j", file, "--jobserver", "echo", ":::", "a"}).exited(125));
  CHECK(run_procrun({"pool", "-j", file, "--tasks", "1", "--speed", "1000"}).exited(0));
}

}  // namespace procrun::test
