// pool --pipe: blocks of stdin are the jobs' stdin.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "program.h"

namespace procrun::test {
namespace {

std::string numbers(int first, int last) {
  std::string lines;
  for (int i = first; i <= last; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

std::string piped(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "-k", "--pipe"});
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.err == "");
  CHECK(result.exited(0));
  return result.out;
}

/// The one line that a pool of these words ends with, at once.
std::string refusal(Words words) {
  words.insert(words.begin(), {"pool", "-q"});
  const Result result = run_procrun(words, {.input = "a\n"});
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.out == "");
  return result.err;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

bool is_installed(const std::string& name) {
  const bool there = run({"sh", "-c", "command -v " + name}).exited(0);
  if (!there) WARN("skipped: " << name << " is not installed");
  return there;
}

}  // namespace

TEST_CASE("the option --pipe cuts stdin into blocks of whole lines, each a job's stdin", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(piped({"--block", "10", "sh", "-c", "echo $1; cat", "-", "{#}"},
              {.input = numbers(8, 13)}) == "1\n8\n9\n10\n11\n2\n12\n13\n");
  const std::string input = numbers(1, 100'000);
  CHECK((piped({"-j4", "--block", "10K", "cat"}, {.input = input}) == input));
  CHECK((piped({"cat"}, {.input = input}) == input));
  CHECK(piped({"--block", "3", "cat; echo -"}, {.input = "1\nlonger\n2"}) ==
        "1\n-\nlonger\n-\n2-\n");
}

TEST_CASE("the option --pipe cuts where GNU parallel does", "[cli]") {
  const NoDescendantLeft guard;
  if (!is_installed("parallel")) return;
  const std::string input = numbers(1, 20'000);
  for (const Words& how :
       {Words{"--block", "3K"}, Words{"--block", "3001"}, Words{"--block", "100K"},
        Words{"--block", "108894"}, Words{"--block", "1M"}, Words{}, Words{"-N", "7000"},
        Words{"-N70000"}, Words{"-n", "19999"}}) {
    CAPTURE(how);
    Words theirs{"parallel", "--will-cite", "-k", "--pipe"};
    theirs.insert(theirs.end(), how.begin(), how.end());
    theirs.insert(theirs.end(), {"wc"});
    Words ours = how;
    ours.emplace_back("wc");
    const Result result = run(theirs, {.input = input, .timeout = seconds{40}});
    REQUIRE(result.exited(0));
    CHECK((piped(ours, {.input = input}) == result.out));
  }
}

TEST_CASE("the option --pipe with -N gives each job so many records", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(piped({"-N2", "tr '\\n' .; echo"}, {.input = "a\nb\nc\n"}) == "a.b.\nc.\n");
  CHECK(piped({"-N1", "-d", ",", "cat; echo"}, {.input = "a,b\n,c"}) == "a,\nb\n,\nc\n");
  CHECK(piped({"-n", "2", "-0", "tr '\\0' ."}, {.input = std::string{"a\0b\0c\0", 6}}) == "a.b.c.");
}

TEST_CASE("T38: --pipe runs nothing for an empty stdin", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(piped({"touch", dir / "ran"}) == "");
  CHECK_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_CASE("the option --pipe takes the bytes of a file, which may be a fifo", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string input = numbers(1, 40'000);
  write_file(dir / "file", input);
  CHECK((piped({"--block", "30K", "-a", dir / "file", "cat"}) == input));
  CHECK((piped({"--block", "30K", "cat", "::::", dir / "file"}) == input));
  CHECK((piped({"--block", "30K", "-a", "-", "cat"}, {.input = input}) == input));
  const int fd = ::open((dir / "file").c_str(), O_RDONLY | O_CLOEXEC);
  CHECK((piped({"--block", "30K", "cat"}, {.stdin_fd = fd}) == input));
  ::close(fd);
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  auto writer = start({"sh", "-c", "cat file > fifo"}, {.cwd = dir.path().string()});
  CHECK((piped({"--block", "30K", "-a", dir / "fifo", "cat"}) == input));
  CHECK(writer.finish().exited(0));
}

TEST_CASE("what --pipe has not taken of a file is there for the next command", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", "head\n" + numbers(1, 40'000));
  const std::string script = "{ read first; '" + program({})[0] +
                             "' pool -q -j1 --halt now,fail=1 --pipe -N1 'read x; test $x != 3'; "
                             "read next; echo $first $next; } <file";
  const Result result = run({"sh", "-c", script}, plain({.cwd = dir.path().string()}));
  std::smatch match;
  CAPTURE(result.out, result.err);
  REQUIRE(std::regex_match(result.out, match, std::regex{"head ([0-9]+)\n"}));
  CHECK(std::stoi(match[1]) > 3);
  CHECK(std::stoi(match[1]) < 40'000);
}

TEST_CASE("the option --pipe starts a job as soon as its block is there", "[cli]") {
  const NoDescendantLeft guard;
  auto running =
      start_procrun({"pool", "-q", "--pipe", "--block", "5", "cat"}, {.keep_stdin_open = true});
  running.write("one\ntwo\n");
  CHECK(running.read_until(Stream::Out, "one\n") == "one\n");
  running.write("six\n");
  CHECK(running.read_until(Stream::Out, "two\n") == "two\n");
  running.close_input();
  CHECK(running.finish().out == "one\ntwo\nsix\n");
}

TEST_CASE("while --pipe waits for a slow stdin, jobs end and signals are heard", "[cli]") {
  const NoDescendantLeft guard;
  auto running =
      start_procrun({"pool", "--pipe", "--block", "2", "cat"}, {.keep_stdin_open = true});
  running.write("1\n2\n3");
  running.read_until(Stream::Out, "2\n");
  running.read_until(Stream::Err, "this is process 2");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("SIGPIPE: a job of --pipe that does not read its stdin is no failure", "[cli]") {
  const NoDescendantLeft guard;
  const std::string input = numbers(1, 300'000);
  CHECK(piped({"-j4", "--block", "200K", "true"}, {.input = input}) == "");
  const Lines heads = lines_of(piped({"-j4", "--block", "500K", "head", "-n1"}, {.input = input}));
  CHECK(heads.size() == 4);  // 1,988,895 bytes
  CHECK(heads.front() == "1");
}

TEST_CASE("with --pipe each attempt gets the same block", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string input = numbers(1, 100'000);
  CHECK(piped({"--block", "300K", "--retries", "2",
               "cat > $PROCRUN_SEQ.$PROCRUN_ATTEMPT; test $PROCRUN_ATTEMPT = 3"},
              {.input = input, .cwd = dir.path().string()}) == "");
  for (const char* attempt : {".1", ".2", ".3"}) {
    CHECK((read_file(dir / (std::string{"1"} + attempt)) +
               read_file(dir / (std::string{"2"} + attempt)) ==
           input));
  }
}

TEST_CASE("what holds for all jobs holds for those of --pipe", "[cli]") {
  const NoDescendantLeft guard;
  const std::string input = "a\nb\nc\n";
  CHECK(piped({"-N1", "--tagstring", "{#}", "cat"}, {.input = input}) == "1\ta\n2\tb\n3\tc\n");
  CHECK(piped({"-N2", "--dry-run", "grep", "x y", "{#}"}, {.input = input}) ==
        "grep 'x y' 1\ngrep 'x y' 2\n");
  const Result failed =
      run_procrun({"pool", "-q", "-k", "--pipe", "-N1", "grep -v b"}, {.input = input});
  CHECK(failed.out == "a\nc\n");
  CHECK(failed.exited(1));
  const Result late = run_procrun(
      {"pool", "-q", "--pipe", "-N1", "--timeout", "200ms", "read x; test $x = a || sleep 60"},
      {.input = "a\nb\n"});
  CHECK(late.exited(1));
  const Result halted = run_procrun(
      {"pool", "-q", "-j1", "--pipe", "-N1", "--fail-fast", "cat; exit 7"}, {.input = input});
  CHECK(halted.out == "a\n");
  CHECK(halted.exited(7));
}

TEST_CASE("the jobs of --pipe are known by the bytes that they get", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto with_journal = [&](const Words& more, const std::string& input) {
    Words words{"pool", "-q", "-k", "--journal", dir / "journal", "--pipe", "-N2"};
    words.insert(words.end(), more.begin(), more.end());
    return run_procrun(words, {.input = input}).out;
  };
  CHECK(with_journal({"tr '\\n' .; echo"}, "a\nb\nc\nd\n") == "a.b.\nc.d.\n");
  // Another block stands before them, and one of them twice.
  CHECK(with_journal({"--resume", "tr '\\n' .; echo"}, "x\ny\na\nb\nc\nd\na\nb\n") ==
        "x.y.\na.b.\n");
  CHECK(with_journal({"--resume", "tr '\\n' .; echo"}, "x\ny\na\nb\nc\nd\na\nb\n") == "");
}

TEST_CASE("WRONGRESUME: a job log alone does not tell which blocks were done", "[cli]") {
  const TempDir dir;
  CHECK(refusal({"--pipe", "--joblog", dir / "log", "--resume", "wc"}) ==
        "procrun: pool: --pipe and --resume and its kin need a --journal: a job log cannot tell "
        "blocks apart\n");
}

TEST_CASE("the option --pipe refuses what it could not do", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", "a\n");
  const std::string file = dir / "file";
  for (const Words& other : {Words{"-C", ","}, Words{"--csv"}, Words{"--header", ":"},
                             Words{"--link"}, Words{"-X"}, Words{"--shuf"}, Words{"--skip", "1"},
                             Words{"--count", "1"}, Words{"--partition", "slice:1/2"}}) {
    CAPTURE(other);
    Words words{"--pipe"};
    words.insert(words.end(), other.begin(), other.end());
    words.emplace_back("wc");
    CHECK(contains(refusal(words), "exclude each other"));
  }
  CHECK(contains(refusal({"--pipe", "-f", file}), "--pipe needs a COMMAND"));
  CHECK(contains(refusal({"--pipe", "-a", file}), "--pipe needs a COMMAND"));
  CHECK(contains(refusal({"--pipe", "wc", ":::", "a"}), "there can be no ::: values"));
  CHECK(contains(refusal({"--pipe", "-a", file, "wc", "::::", file}), "the bytes of one file"));
  CHECK(contains(refusal({"--pipe", "--block", "1k", "-N1", "wc"}), "--block and -N exclude"));
  CHECK(contains(refusal({"--pipe", "-N0", "wc"}), "at least 1 record"));
  CHECK(contains(refusal({"--pipe", "--block", "0", "wc"}), "at least 1 byte"));
  CHECK(contains(refusal({"--pipe", "--block", "x", "wc"}), "'x' is not a size"));
  CHECK(contains(refusal({"--block", "1k", "wc"}), "--block needs --pipe"));
  CHECK(contains(refusal({"--pipe", "-a", dir / "none", "wc"}), "none: No such file"));
  CHECK(contains(refusal({"--pipe", "--joblog", file, "--order", "longest", "wc"}),
                 "--pipe and --order exclude each other"));
  CHECK(contains(refusal({"--pipe", "--results", dir / "results", "wc"}),
                 "--results names its directories by items"));
}

TEST_CASE("DISKFULL: blocks of --pipe that cannot be kept are an error, not cut", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-q", "--pipe", "--block", "1M", "wc", "-c"},
                                    {.input = std::string(3'000'000, 'x'), .in_child = [] {
                                       const rlimit limit{500'000, 500'000};
                                       ::setrlimit(RLIMIT_FSIZE, &limit);
                                     }});
  CHECK(result.out == "");
  CHECK(result.err == "procrun: pool: keep standard input in a temporary file: File too large\n");
  CHECK(result.exited(125));
}

TEST_CASE("a file that becomes shorter under --pipe is an error", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "file", numbers(100'000, 199'999));
  const Result result = run_procrun(
      {"pool", "-q", "-j1", "--pipe", "--block", "200K", "-a", "file", "cat >/dev/null; : >file"},
      {.cwd = dir.path().string()});
  CHECK(contains(result.err, "become shorter"));
  CHECK(result.exited(125));
}

}  // namespace procrun::test
