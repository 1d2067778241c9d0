// pool as a tool: what becomes of the jobs' output, and of procrun when it can go nowhere.
#include "flood.h"
#include "program.h"
#include "sys/fd.h"

namespace procrun::test {
namespace {

/// Takes a stream apart into the jobs' outputs, which have to stand in one piece each, in any
/// order.
void check_in_one_piece(std::string_view stream, std::map<std::string, std::string> expected) {
  while (!stream.empty()) {
    const std::string name{stream.substr(0, stream.find(' '))};
    CAPTURE(name);
    REQUIRE(expected.contains(name));
    const std::string& output = expected[name];
    REQUIRE(stream.size() >= output.size());
    REQUIRE((stream.substr(0, output.size()) == output));
    stream.remove_prefix(output.size());
    expected.erase(name);
  }
  CHECK(expected.empty());
}

}  // namespace

TEST_CASE("MIX: 1 MB of each job's stdout and stderr comes out in one piece", "[cli]") {
  const NoDescendantLeft guard;
  const auto expected = eight_floods("1000000");
  const Result result = run_procrun(flood_words("1000000"));
  check_in_one_piece(result.out, expected);
  check_in_one_piece(result.err, expected);
  CHECK(result.exited(0));
}

TEST_CASE("a pool ends when its reader has taken the last of the output, however that falls",
          "[cli]") {
  const NoDescendantLeft guard;
  // A reader that is just as fast as the writer, again and again.
  for (int round = 0; round < 40; ++round) {
    const Result result = run_procrun(flood_words("200000"));
    CHECK(result.out.size() == result.err.size());
    CHECK(result.exited(0));
  }
}

TEST_CASE("jobs' output is whole in a file, opened with O_APPEND too, and behind what is there",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const int flags = GENERATE(O_APPEND, O_TRUNC);
  const std::string size = GENERATE("1000", "400000");
  CAPTURE(flags, size);
  const auto expected = eight_floods(size);
  write_file(dir / "out", "before\n");
  const int fd = ::open((dir / "out").c_str(), O_WRONLY | O_CLOEXEC | flags);
  const Result result = run_procrun(flood_words(size), {.stdout_fd = fd});
  ::close(fd);
  std::string text = read_file(dir / "out");
  if (flags == O_APPEND) {
    CHECK(text.starts_with("before\n"));
    text.erase(0, 7);
  }
  check_in_one_piece(text, expected);
  check_in_one_piece(result.err, expected);
  CHECK(result.exited(0));
}

TEST_CASE("T33: with -k the output of the first job is shown as it comes", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun({"pool", "-q", "-k", "-j2", "sh", "-c",
                                "test $0 = quick || { echo first; while ! test -e $1; do sleep "
                                "0.02; done; }; echo $0",
                                "{}", dir / "go", ":::", "slow", "quick", "slow"});
  CHECK(running.read_until(Stream::Out, "first\n") == "first\n");
  std::ofstream{dir / "go"} << "\n";
  CHECK(running.finish().out == "first\nslow\nquick\nfirst\nslow\n");
}

TEST_CASE("with -k much output comes out whole and in order, wherever it goes", "[cli]") {
  const NoDescendantLeft guard;
  std::string expected;
  for (const auto& [name, output] : eight_floods("300000")) expected += output;
  const TempDir dir;
  const std::string file = dir / "out";
  std::ofstream{file} << "";
  const Words words = flood_words("300000", {"-k"});
  SECTION("a pipe, and another for stderr") {
    const Result result = run_procrun(words, {.timeout = seconds{40}});
    CHECK((result.out == expected));
    CHECK((result.err == expected));
  }
  SECTION("a file") {
    const sys::Fd out = sys::open(file, O_WRONLY | O_TRUNC);
    const Result result = run_procrun(words, {.timeout = seconds{40}, .stdout_fd = out.get()});
    CHECK((read_file(file) == expected));
    CHECK((result.err == expected));
  }
  SECTION("a file that is appended to") {
    const sys::Fd out = sys::open(file, O_WRONLY | O_APPEND);
    const Result result = run_procrun(words, {.timeout = seconds{40}, .stdout_fd = out.get()});
    CHECK((read_file(file) == expected));
  }
  SECTION("tagged") {
    Words tagged = words;
    tagged.insert(tagged.begin() + 1, "--tag");
    const Lines lines = lines_of(run_procrun(tagged, {.timeout = seconds{40}}).out);
    std::string untagged;
    for (const auto& line : lines) {
      CHECK((line.starts_with(line.substr(2, 1) + "\t" + line.substr(2, 1) + " ")));
      untagged += line.substr(2) + "\n";
    }
    CHECK((untagged == expected));
  }
}

TEST_CASE("T22: with -k a reader that goes ends the job that writes to it, and the pool", "[cli]") {
  const NoDescendantLeft guard;
  Pipe out;
  auto running = start_procrun({"pool", "-q", "-k", "-j2", "yes", ":::", "1", "2", "3"},
                               {.stdout_fd = out.ends[1]});
  out.close(1);
  char buffer[100000];
  for (std::size_t got = 0; got < 5'000'000;) {  // it streams
    const ssize_t size = ::read(out.ends[0], buffer, sizeof buffer);
    REQUIRE(size > 0);
    got += static_cast<std::size_t>(size);
  }
  out.close(0);
  CHECK(running.finish().signaled(SIGPIPE));
}

TEST_CASE("T31: with -k a full disk under the job that writes to it is an error", "[cli]") {
  const NoDescendantLeft guard;
  const sys::Fd full = sys::open("/dev/full", O_WRONLY);
  const Result result = run_procrun({"pool", "-q", "-k", "-j2", "yes", ":::", "1", "2", "3"},
                                    {.stdout_fd = full.get()});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: pool: write to standard output: No space left on device\n");
}

TEST_CASE("STDERRMERGE: with --merge stderr goes to stdout, in the order of writing", "[cli]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{}, Words{"-u"}, Words{"-k"}, Words{"--lb"}, Words{"-k", "--lb"});
  CAPTURE(how);
  Words words{"pool", "-q", "-j1", "--merge"};
  words.insert(words.end(), how.begin(), how.end());
  words.insert(words.end(), {"sh", "-c", "echo a$0; echo b$0 >&2; echo c$0", ":::", "1", "2"});
  const Result result = run_procrun(words);
  CHECK(result.out == "a1\nb1\nc1\na2\nb2\nc2\n");
  CHECK(result.err.empty());
}

TEST_CASE("STDERRMERGE: stdout and stderr of jobs go each to its own", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-qk", "echo out {}; echo err {} >&2", ":::", "a", "b"});
  CHECK(result.out == "out a\nout b\n");
  CHECK(result.err == "err a\nerr b\n");
  CHECK(result.exited(0));
}

TEST_CASE("output is bytes: what a job writes comes out as it is", "[cli]") {
  const NoDescendantLeft guard;
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  const TempDir dir;
  write_file(dir / "bytes", bytes);
  CHECK(run_procrun({"pool", "-q", "cat", ":::", dir / "bytes"}).out == bytes);
  CHECK(run_procrun({"pool", "-qk", "printf", "{}", ":::", "no newline ", "at the end"}).out ==
        "no newline at the end");
}

TEST_CASE("a job's output comes when it ends, while others run", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(
      {"pool", "-q", "-j2", "sh", "-c",
       "if [ {} = slow ]; then echo begun; while [ ! -e go ]; do sleep 0.01; done; fi; echo {}",
       ":::", "slow", "quick", "next"},
      {.cwd = dir.path().string()});
  CHECK(running.read_until(Stream::Out, "next\n") == "quick\nnext\n");
  write_file(dir / "go", "");
  const Result result = running.finish();
  CHECK(result.out == "quick\nnext\nbegun\nslow\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option -k: output comes in the order of the items", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  // The first waits for the last, which is not told before it.
  const Result result = run_procrun(
      {"pool", "-q", "-k", "-j2", "sh", "-c",
       "if [ {} = 1 ]; then while [ ! -e 5 ]; do sleep 0.01; done; fi; >{}; echo {}; echo e{} >&2",
       ":::", "1", "2", "3", "4", "5"},
      {.cwd = dir.path().string()});
  CHECK(result.out == "1\n2\n3\n4\n5\n");
  CHECK(result.err == "e1\ne2\ne3\ne4\ne5\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option -u: output passes straight through, before the job ends", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(
      {"pool", "-q", "-u", "sh", "-c",
       "echo begun; while [ ! -e go ]; do sleep 0.01; done; echo err >&2", ":::", "x"},
      {.cwd = dir.path().string()});
  CHECK(running.read_until(Stream::Out, "\n") == "begun\n");
  write_file(dir / "go", "");
  const Result result = running.finish();
  CHECK(result.out == "begun\n");
  CHECK(result.err == "err\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option --tag and --tagstring begin every line, on stderr too", "[cli]") {
  const NoDescendantLeft guard;
  const std::string lines = "echo 1; echo; printf 3; echo e >&2 #";
  const auto tagged = [&](const Words& how, const Words& sources) {
    Words words{"pool", "-qk"};
    words.insert(words.end(), how.begin(), how.end());
    words.push_back(lines);
    words.insert(words.end(), sources.begin(), sources.end());
    return run_procrun(words);
  };
  const Result one = tagged({"--tag"}, {":::", "a b"});
  CHECK(one.out == "a b\t1\na b\t\na b\t3");
  CHECK(one.err == "a b\te\n");
  const Result two = tagged({"--tag"}, {":::", "a", ":::", "b"});
  CHECK(two.out == "a b\t1\na b\t\na b\t3");
  const Result string =
      tagged({"--tagstring", "<{#}:{%}:{1/.}:{2}>"}, {":::", "x/y.z", ":::", "b"});
  CHECK(string.out == "<1:1:y:b>\t1\n<1:1:y:b>\t\n<1:1:y:b>\t3");
  CHECK(string.err == "<1:1:y:b>\te\n");
}

TEST_CASE("the option --tag: a line longer than any buffer has one tag", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "--tag", "head -c 300000 /dev/zero | tr '\\0' x; echo; echo end #",
                   ":::", "a"});
  CHECK((result.out == "a\t" + std::string(300000, 'x') + "\na\tend\n"));
  CHECK(result.exited(0));
}

TEST_CASE("a stdout that takes nothing is an error, and nothing is left running", "[cli]") {
  const NoDescendantLeft guard;
  const auto [options, why] = GENERATE(table<std::string, std::string>(
      {{"full", "No space left on device"}, {"closed", "Bad file descriptor"}}));
  CAPTURE(options);
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const Options given =
      options == "full" ? Options{.stdout_fd = full} : Options{.close_stdout = true};
  // The other job would run on; it is ended.
  const Result result =
      run_procrun({"pool", "-q", "-j2", "sh", "-c", "{}", ":::", "sleep 60", "echo x"}, given);
  CHECK(result.err == "procrun: pool: write to standard output: " + why + "\n");
  CHECK(result.exited(125));
  const Result much = run_procrun(flood_words("200000", {"-k"}), given);
  const std::string said = "procrun: pool: write to standard output: " + why + "\n";
  CHECK(much.err.find(said) == much.err.size() - said.size());
  CHECK(much.exited(125));
  // Who has nothing to say needs no stdout.
  CHECK(run_procrun({"pool", "-q", "true", ":::", "a"}, given).exited(0));
  CHECK(run_procrun({"pool", "-q", "false", ":::", "a"}, given).exited(1));
  ::close(full);
}

TEST_CASE("the option --dry-run tells of a stdout that takes nothing", "[cli]") {
  const NoDescendantLeft guard;
  const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
  const Result result = run_procrun({"pool", "--dry-run", "echo", ":::", "a"}, {.stdout_fd = full});
  ::close(full);
  CHECK(result.err == "procrun: pool: write to standard output: No space left on device\n");
  CHECK(result.exited(125));
}

TEST_CASE("SIGPIPE: jobs that run when the reader has gone are ended", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Pipe out;
  auto running = start_procrun({"pool", "-q", "-j2", "sh", "-c",
                                "[ {} != 2 ] || while [ ! -e go ]; do sleep 0.01; done; [ {} -lt 3 "
                                "] || exec sleep 60; echo {}",
                                ":::", "1", "2", "3", "4", "5"},
                               {.cwd = dir.path().string(), .stdout_fd = out.ends[1]});
  out.close(1);
  char first[8];
  REQUIRE(::read(out.ends[0], first, sizeof first) == 2);
  out.close(0);
  write_file(dir / "go", "");
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.signaled(SIGPIPE));
}

TEST_CASE("T22: with SIGPIPE ignored by whoever started us, a reader that goes ends the pool too",
          "[cli]") {
  const NoDescendantLeft guard;
  Pipe out;
  out.close(0);
  const Result result =
      run_procrun({"pool", "-q", "-j2", "echo"}, {.input = "a\nb\nc\nd\n",
                                                  .stdout_fd = out.ends[1],
                                                  .in_child = [] { ::signal(SIGPIPE, SIG_IGN); }});
  CHECK(result.err == "");
  CHECK_FALSE(result.exited(0));
}

TEST_CASE("LEAK: a grandchild that holds a job's output does not hold the pool", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result =
      run_procrun({"pool", "-q", "-k", "sh", "-c", "echo {}; sleep 60 & exit 0", ":::", "a", "b"});
  CHECK(result.out == "a\nb\n");
  CHECK(lines_of(result.err).size() == 2);  // each leak is named
  CHECK(result.exited(0));
  CHECK(Clock::now() - begin < seconds{10});
}

TEST_CASE("no line is torn where stdout and stderr are one pipe, whose reader is slow", "[cli]") {
  const NoDescendantLeft guard;
  // Each round is another chance for the reader to take the last of it while we look.
  [[maybe_unused]] const int round = GENERATE(range(0, 10));
  const std::string size = GENERATE("30000", "200000");
  CAPTURE(size);
  Pipe both;
  Options options{.stdout_fd = both.ends[1], .stderr_fd = both.ends[1]};
  const Words how = GENERATE(Words{}, Words{"--lb"}, Words{"-k", "--lb"});
  CAPTURE(how);
  auto running = start_procrun(flood_words(size, how), options);
  REQUIRE(eventually([&] {
    pollfd writable{both.ends[1], POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 0;
  }));
  both.close(1);
  const auto lines = lines_of(read_all(both.ends[0]));
  CHECK(running.finish().exited(0));
  Lines torn;
  for (const auto& line : lines) {
    const auto rest = line.find_first_not_of("0123456789", 2);
    const bool whole = line.size() > 3 && line[1] == ' ' && rest != std::string::npos && rest > 2 &&
                       line[rest] == ' ' &&
                       line.find_first_not_of('x', rest + 1) == std::string::npos;
    if (!whole) torn.push_back(line);
  }
  CHECK(torn == Lines{});
}

}  // namespace procrun::test
