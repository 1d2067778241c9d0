// pool -f: a file of command lines, with comments and barriers.
#include "program.h"

namespace procrun::test {
namespace {

/// A directory with a job file, where the jobs run.
class Scene {
 public:
  explicit Scene(const std::string& jobs) { write_file(dir_ / "jobs", jobs); }

  Result run(Words options) const {
    options.insert(options.begin(), {"pool", "-q", "-f", dir_ / "jobs"});
    CAPTURE(options);
    return run_procrun(options, {.cwd = dir_.path().string()});
  }
  /// What the jobs have written to the file `log`.
  Lines log() const { return lines_of(read_file(dir_ / "log")); }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
};

/// Its first job takes long enough for the last, were there no barrier.
constexpr const char* kSlowFirst =
    "sleep 0.3; echo a >> log\n"
    "echo b >> log\n"
    "%%\n"
    "echo c >> log\n";

}  // namespace

TEST_CASE("pool -f runs the command lines of a file", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{"# three jobs\n\necho a\n  # and\necho 'b c' | tr b B\n/bin/echo {}\n"};
  const Result result = scene.run({"-k"});
  CHECK(result.out == "a\nB c\n{}\n");
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("a job file that cannot be read is an error", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-f", "/no/such/file"});
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.find("/no/such/file") != std::string::npos);
}

TEST_CASE("pool -f - takes jobs from stdin as they come, and barriers too", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "-f", "-"}, {.keep_stdin_open = true});
  running.write("echo a\n");
  running.read_until(Stream::Out, "a\n");
  running.write("%%\necho b\n");
  running.read_until(Stream::Out, "b\n");
  running.write("%%\n# the end\n");
  running.close_input();
  CHECK(running.finish().exited(0));
}

TEST_CASE("what stands behind a barrier starts when all before it has ended", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{kSlowFirst};
  const auto options = GENERATE(Words{"-j4"}, Words{"-j4", "-k"}, Words{"-j4", "-u"},
                                Words{"-j4", "--halt", "soon,fail=1"});
  CHECK(scene.run(options).exited(0));
  const auto log = scene.log();
  CHECK(place_of(log, "c") == 2);
}

TEST_CASE("a barrier waits for short jobs, of which workers get some ahead of time", "[cli]") {
  const NoDescendantLeft guard;
  std::string jobs;
  for (int i = 0; i < 300; ++i) jobs += "echo >> log\n";
  const Scene scene{jobs + "%%\nwc -l < log\n%%\necho the end\n"};
  CHECK(scene.run({"-j3"}).out == "300\nthe end\n");
}

TEST_CASE("a barrier waits for the last attempt at a job", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{"echo a >> log; [ $PROCRUN_ATTEMPT = 3 ]\n%%\necho b >> log\n"};
  CHECK(scene.run({"-j4", "--retries", "2", "--retry-delay", "50ms"}).exited(0));
  CHECK(scene.log() == Lines{"a", "a", "a", "b"});
}

TEST_CASE("barriers at the ends of a job file, and several in a row, stand in nobody's way",
          "[cli]") {
  const NoDescendantLeft guard;
  CHECK(Scene{"%%\n%%\necho a\n%%\n%%\necho b\n%%\n"}.run({"-j2"}).out == "a\nb\n");
  CHECK(Scene{"%%\n"}.run({}).exited(0));
  CHECK(Scene{""}.run({}).exited(0));
}

TEST_CASE("a run that is halted does not go beyond the barrier", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{"false\n%%\necho c >> log\n"};
  CHECK(scene.run({"-j2"}).exited(1));
  CHECK(scene.log() == Lines{"c"});
  std::filesystem::remove(scene.dir() / "log");
  const auto halt = GENERATE("now,fail=1", "soon,fail=1");
  CHECK(scene.run({"-j2", "--halt", halt}).exited(1));
  CHECK_FALSE(std::filesystem::exists(scene.dir() / "log"));
}

TEST_CASE("a resumed run keeps the barriers of its job file", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{
      "echo a >> log\n"
      "[ -e again ] && sleep 0.3 && echo b >> log\n"
      "%%\n"
      "[ -e again ] && echo c >> log\n"
      "%%\n"
      "echo d >> log\n"};
  const std::string journal = scene.dir() / "journal";
  CHECK(scene.run({"-j4", "--journal", journal}).exited(2));
  CHECK(scene.log() == Lines{"a", "d"});
  write_file(scene.dir() / "again", "");
  CHECK(scene.run({"-j4", "--journal", journal, "--resume-failed"}).exited(0));
  CHECK(scene.log() == Lines{"a", "d", "b", "c"});
}

TEST_CASE("an interrupted run ends at its barrier", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "jobs", "echo there; sleep 60\n%%\ntouch beyond\n");
  auto running = start_procrun({"pool", "-q", "-u", "-f", "jobs"}, {.cwd = dir.path().string()});
  running.read_until(Stream::Out, "there\n");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
  CHECK_FALSE(std::filesystem::exists(dir / "beyond"));
}

TEST_CASE("a signal is heard where a job file has no jobs without end", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string line = GENERATE("#", "%%");
  auto running =
      start({"sh", "-c", "mkfifo jobs; yes '" + line + "' > jobs & exec \"$0\" pool -v -f jobs",
             kProcrun},
            plain({.cwd = dir.path().string()}));
  running.read_until(Stream::Err, "Current process is ");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("the options --skip, --count and --partition choose among the jobs of a file", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{"echo 1\n%%\necho 2\n# no job\necho 3\n%%\necho 4\n"};
  CHECK(scene.run({"-k", "--skip", "1", "--count", "2"}).out == "2\n3\n");
  CHECK(scene.run({"-k", "--partition", "slice:2/2"}).out == "2\n4\n");
}

TEST_CASE("a dry run shows the jobs of a file", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(Scene{"echo 'a b'\n%%\n# no job\ntrue\n"}.run({"--dry-run"}).out == "echo 'a b'\ntrue\n");
}

TEST_CASE("pool -f takes no COMMAND, and nothing that says what items are", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{"echo a\n"};
  for (const Words& more :
       {Words{"echo"}, Words{":::", "a"}, Words{"-a", "jobs"}, Words{"-0"}, Words{"-I", "X"},
        Words{"-C", ","}, Words{"--csv"}, Words{"--header", ":"}, Words{"--link"}, Words{"-n", "2"},
        Words{"-X"}, Words{"--shuf"}}) {
    const Result result = scene.run(more);
    CHECK(result.out == "");
    CHECK(result.exited(125));
    CHECK(lines_of(result.err).size() == 1);
    CHECK(result.err.find("exclude each other") != std::string::npos);
  }
}

}  // namespace procrun::test
