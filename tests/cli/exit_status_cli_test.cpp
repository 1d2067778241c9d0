// The exit status, row by row.
#include <sys/resource.h>

#include "program.h"

namespace procrun::test {
namespace {

Words with(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

std::string repeated(const std::string& text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("spawn and wait pass COMMAND's own code through", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  for (const int code : {0, 1, 2, 100, 124, 125, 126, 127, 128, 130, 255}) {
    CAPTURE(verb, code);
    const Result result = run_procrun({verb, "-q", "sh", "-c", "exit " + std::to_string(code)});
    CHECK(result.out == "");
    CHECK(result.err == "");
    CHECK(result.exited(code));
  }
}

TEST_CASE("T13: a command that is not there is 127, one that cannot be executed 126", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "plain", "no program\n");
  write_file(dir / "script", "#!/nonexistent/interpreter\n");
  std::filesystem::permissions(dir / "script", std::filesystem::perms::owner_all);
  const std::string verb = GENERATE("spawn", "wait", "fork");
  CAPTURE(verb);
  const auto check = [&](const std::string& command, const std::string& why, int code) {
    const Result result =
        run_procrun({verb, "-q", "--", command}, {.env = {"PROCRUN_STATE_DIR=" + (dir / "state")}});
    CHECK(result.out == "");
    CHECK(result.err == "procrun: " + verb + ": cannot execute " + command + ": " + why + "\n");
    CHECK(result.exited(code));
  };
  check("no-such-program-at-all", "No such file or directory", 127);
  check("/nonexistent/program", "No such file or directory", 127);
  check(dir / "script", "No such file or directory", 127);
  check(dir / "plain", "Permission denied", 126);
  check("/", "Permission denied", 126);
}

TEST_CASE("spawn and wait die of the signal that COMMAND died of, without a core", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("spawn", "wait");
  const int signal = GENERATE(SIGTERM, SIGKILL, SIGINT, SIGSEGV, SIGABRT, SIGPIPE, SIGUSR1, 40);
  CAPTURE(verb, signal);
  const Result result =
      run_procrun({verb, "-q", "sh", "-c", "ulimit -c 0; kill -" + std::to_string(signal) + " $$"},
                  {.cwd = dir.path().string(), .in_child = [] {
                     const rlimit as_big_as_it_is{RLIM_INFINITY, RLIM_INFINITY};
                     ::setrlimit(RLIMIT_CORE, &as_big_as_it_is);
                   }});
  CHECK(result.out == "");
  CHECK(result.err == "");
  CHECK(result.signaled(signal));
  CHECK_FALSE(WCOREDUMP(result.status));
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("spawn -t: 124 when the time is up", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"spawn", "-q", "-t", "100ms", "sleep", "60"});
  CHECK(result.out == "");
  CHECK(result.exited(124));
  // Whatever COMMAND makes of its TERM.
  CHECK(run_procrun({"spawn", "-q", "-t", "200ms", "sh", "-c",
                     "trap 'exit 3' TERM; while :; do sleep 0.02; done"})
            .exited(124));
  CHECK(run_procrun({"spawn", "-q", "-t", "60", "sh", "-c", "exit 3"}).exited(3));
}

TEST_CASE("spawn -t: 137 when TERM was not enough and KILL was needed", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result =
      run_procrun({"spawn", "-t", "500ms", "-k", "500ms", child("cli_tree"), "deaf"});
  CHECK(Clock::now() - begin >= seconds{1});
  CHECK(result.out == "ready\n");
  CHECK(result.err.find("killed by signal 9 (KILL)") != std::string::npos);
  CHECK(result.exited(137));
}

TEST_CASE("spawn -k 0: KILL never follows, as with timeout", "[cli]") {
  const NoDescendantLeft guard;
  const std::string deaf = "trap '' TERM; sleep 1; echo survived";
  const Result ours = run_procrun({"spawn", "-q", "-k", "0", "-t", "200ms", "sh", "-c", deaf});
  const Result theirs = run({"timeout", "-k", "0", "0.2", "sh", "-c", deaf});
  CHECK(ours.out == "survived\n");
  CHECK(ours.out == theirs.out);
  CHECK(ours.exited(124));
  CHECK(theirs.exited(124));
}

TEST_CASE("spawn -t: TERM has ten seconds to work before KILL", "[cli][slow]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun({"spawn", "-q", "-t", "200ms", child("cli_tree"), "deaf"},
                                    {.timeout = seconds{40}});
  CHECK(Clock::now() - begin >= seconds{10});
  CHECK(result.exited(137));
}

TEST_CASE("a pool's status is the number of failed jobs, 101 for more than 100", "[cli]") {
  const NoDescendantLeft guard;
  const auto pool = [](const std::string& items) {
    return run_procrun({"pool", "-q", "-j4", "sh", "-c", "exit {}"}, {.input = items});
  };
  CHECK(pool("").exited(0));
  CHECK(pool("0\n0\n0\n").exited(0));
  CHECK(pool("0\n7\n0\n").exited(1));
  CHECK(pool("1\n255\n0\n124\n").exited(3));
  CHECK(pool(repeated("1\n", 100)).exited(100));
  CHECK(pool(repeated("1\n", 101)).exited(101));
  CHECK(pool(repeated("1\n", 130) + repeated("0\n", 5)).exited(101));
}

TEST_CASE("a pool counts death by signal, 126 and 127 as failed jobs", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "{}", ":::", "true", "no-such-program-at-all", "/", "kill -9 $$"});
  // One word that is a placeholder only is no shell's line.
  CHECK(sorted(lines_of(result.err)) ==
        Lines{"procrun: pool: job 2: cannot execute no-such-program-at-all: No such file or "
              "directory",
              "procrun: pool: job 3: cannot execute /: Permission denied",
              "procrun: pool: job 4: cannot execute kill -9 $$: No such file or directory"});
  CHECK(result.exited(3));
  CHECK(run_procrun({"pool", "-q", ":::", "kill -9 $$", "true"}).exited(1));
}

TEST_CASE("T40: a job that exits with 255 ends no others, unlike xargs's", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "-j1", "sh", "-c", "echo {}; exit {}", ":::", "255", "0", "255"});
  CHECK(result.out == "255\n0\n255\n");
  CHECK(result.exited(2));
}

TEST_CASE("T42: behind -- stands the command, and ::: begins its items all the same", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "-j1", "--", "echo", "-n", "--", ":::", "a", "--"});
  CHECK(result.out == "-- a-- --");
  CHECK(result.exited(0));
}

TEST_CASE("a caller that closed stdin, stdout or stderr gets the same codes", "[cli]") {
  const NoDescendantLeft guard;
  const Words command{"sh", "-c", "exit 3"};
  const std::string verb = GENERATE("spawn", "wait");
  CAPTURE(verb);
  CHECK(run_procrun(with({verb, "-q"}, command), {.close_stdin = true}).exited(3));
  CHECK(run_procrun(with({verb, "-q"}, command), {.close_stdout = true}).exited(3));
  CHECK(run_procrun(with({verb, "-q"}, command), {.close_stderr = true}).exited(3));
  CHECK(run_procrun(with({verb, "-q"}, command),
                    {.close_stdin = true, .close_stdout = true, .close_stderr = true})
            .exited(3));
  CHECK(run_procrun({"pool", "-q", "sh", "-c", "exit 3", ":::", "a"},
                    {.close_stdin = true, .close_stdout = true, .close_stderr = true})
            .exited(1));
}

}  // namespace procrun::test
