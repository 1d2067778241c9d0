// pool as a tool: items that are split into columns, several of them in one job, and which of them.
#include <sys/resource.h>

#include <cstdlib>

#include "program.h"

namespace procrun::test {
namespace {

std::string printed(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "-k"});
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.err == "");
  CHECK(result.exited(0));
  return result.out;
}

/// The line on stderr of a run that does not even begin.
std::string refusal(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "-k"});
  CAPTURE(words);
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.out == "");
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).size() == 1);
  return result.err;
}

std::string numbers(int last) {
  std::string lines;
  for (int i = 1; i <= last; ++i) lines += std::to_string(i) + "\n";
  return lines;
}

/// Whether the same words make GNU parallel print the same.
void compare_with_parallel(const Words& words, const std::string& input = {}) {
  CAPTURE(words, input);
  const TempDir home;
  Words parallel{"parallel", "-k"};
  parallel.insert(parallel.end(), words.begin(), words.end());
  const Result theirs = run(parallel, {.input = input, .env = {"HOME=" + home.path().string()}});
  CHECK(theirs.exited(0));
  CHECK(lines_of(printed(words, {.input = input})) == lines_of(theirs.out));
}

bool has_parallel() {
  const bool there = run({"sh", "-c", "parallel --version | grep -q GNU"}).exited(0);
  if (!there) WARN("skipped: GNU parallel is not installed");
  return there;
}

}  // namespace

TEST_CASE("the option -d: another character ends an item", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"-d", ",", "echo"}, {.input = "a,b c,d"}) == "a\nb c\nd\n");
  CHECK(printed({"-d", "\\t", "echo"}, {.input = "a\tb"}) == "a\nb\n");
  CHECK(printed({"-d\\0", "echo"}, {.input = std::string{"a\0b", 3}}) == "a\nb\n");
  CHECK(printed({"-d", "\\x3b", "echo"}, {.input = "a;b"}) == "a\nb\n");
  CHECK(printed({"-0", "-d", "\\n", "echo"}, {.input = "a\nb"}) == "a\nb\n");
  CHECK(refusal({"-d", "ab", "echo"}).starts_with("procrun: pool: --delimiter: 'ab' is not a "));
}

TEST_CASE("the option -C splits items into columns", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"-C", ",", "echo", "{2}-{1}"}, {.input = "a,b\nc,d,e\nf\n"}) == "b-a\nd-c\n-f\n");
  CHECK(printed({"-C", "\\t+", "echo", "{2}-{1}"}, {.input = "a\t\tb c\n"}) == "b c-a\n");
  CHECK(printed({"--colsep", " *; *", "echo", "{1}{3}"}, {.input = "a ;b; c\n"}) == "ac\n");
  CHECK(printed({"-C", ",", "echo", "{3}{1}", ":::", "a,b", ":::", "c,d"}) == "ca\n");
  CHECK(refusal({"-C", "(", "echo"})
            .starts_with("procrun: pool: --colsep: '(' is not a regular expression: "));
}

TEST_CASE("the option --csv takes records as RFC 4180 has them", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"--csv", "printf", "<%s>"}, {.input = "a,\"b\n\"\"c\"\"\",\r\nd\n"}) ==
        "<a><b\n\"c\"><><d>");
  CHECK(printed({"--csv", "-C;", "echo", "{2}"}, {.input = "a;\"b;c\"\n"}) == "b;c\n");
  CHECK(printed({"--csv", "-C\\t", "echo", "{2}"}, {.input = "a\tb,c\n"}) == "b,c\n");
  CHECK(refusal({"--csv", "echo"}, {.input = "\"a\nb\n"}) ==
        "procrun: pool: standard input: a quote is never closed in the record '\"a\\nb\\n'\n");
  CHECK(refusal({"--csv", "echo"}, {.input = "\"a\"b\n"}) ==
        "procrun: pool: --csv: text behind a closing quote in the record '\"a\"b'\n");
  CHECK(
      refusal({"--csv", "-C", "[,;]", "echo"}).starts_with("procrun: pool: --colsep with --csv: "));
}

TEST_CASE("the option --header names columns after the first item", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"--header", ":", "-C", ",", "echo", "{name} {age}/{#}"},
                {.input = "age,name\n7,ann\n9,bob\n"}) == "ann 7/1\nbob 9/2\n");
  CHECK(printed({"--header", ":", "--csv", "echo", "{file.} {b c/}"},
                {.input = "file,\"b c\"\r\nx.y,d/e\r\n"}) == "x e\n");
  CHECK(printed({"--header", ":", "echo", "{b}{a}", ":::", "a", "1", "2", ":::", "b", "x", "y"}) ==
        "x1\ny1\nx2\ny2\n");
  CHECK(printed({"--header", ":", "--tagstring", "{a}", "echo", "x", ":::", "a", "1"}) ==
        "1\tx 1\n");
  CHECK(printed({"--header", ":", "echo", "{a}"}, {.input = ""}) == "");
  CHECK(printed({"--header", ":", "echo", "{a}"}, {.input = "a\n"}) == "");
  CHECK(refusal({"--header", "x", "echo"}).starts_with("procrun: pool: --header: "));
}

TEST_CASE("the option --link: sources advance together and the shorter begin anew", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"--link", "echo", ":::", "a", "b", "c", ":::", "1", "2"}) == "a 1\nb 2\nc 1\n");
  CHECK(printed({"--link", "echo", ":::", "a", "::::", "-"}, {.input = "1\n2\n3\n"}) ==
        "a 1\na 2\na 3\n");
}

TEST_CASE("the option -n: so many items a job, each a word of its own", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"-n2", "printf", "<%s>\\n"}, {.input = "a b\nc\n'd\n"}) == "<a b>\n<c>\n<'d>\n");
  CHECK(printed({"-n2", "echo", "{#}", "{}", "z"}, {.input = numbers(5)}) ==
        "1 1 2 z\n2 3 4 z\n3 5 z\n");
  CHECK(printed({"--max-args", "2", "echo", "x{.}y"}, {.input = "a.b\nc d\n"}) == "xay xc dy\n");
  CHECK(printed({"-n2", "printf '<%s>' {} x{}; echo"}, {.input = "a b\nc\n"}) ==
        "<a b><c><xa b><xc>\n");
  CHECK(printed({"-n2", ":::", "echo a", "b; echo c"}) == "a b\nc\n");
}

TEST_CASE("the option -N: items of a job by their places", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"-N3", "echo", "{3}-{1}"}, {.input = numbers(4)}) == "3-1\n-4\n");
  CHECK(printed({"-N0", "echo", "x", "{#}"}, {.input = numbers(2)}) == "x 1\nx 2\n");
}

TEST_CASE("the option -X: what is left at the end is spread over the slots", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"-X", "-j3", "echo"}, {.input = numbers(10)}) == "1 2 3 4\n5 6 7 8\n9 10\n");
  CHECK(printed({"-X", "-j1", "echo"}, {.input = numbers(3)}) == "1 2 3\n");
  CHECK(printed({"-X", "-n2", "-j4", "echo"}, {.input = numbers(5)}) == "1 2\n3 4\n5\n");
  CHECK(printed({"-X", "-j1", "mv {} d/{}.bak; echo"}, {.input = ""}) == "");
  CHECK(refusal({"-X", ":::", "echo"}) == "procrun: pool: -X needs a COMMAND\n");
}

TEST_CASE("the option -X fills command lines as far as the kernel takes them", "[cli]") {
  const NoDescendantLeft guard;
  constexpr int kLast = 300000;
  const Words command = GENERATE(Words{"sh", "-c", "echo $#", "sh"}, Words{"echo {} | wc -w"});
  const bool is_line = command.size() == 1;
  Words words{"-X", "-j1"};
  words.insert(words.end(), command.begin(), command.end());
  const Lines lines = lines_of(printed(words, {.input = numbers(kLast)}));
  int sum = 0;
  for (const auto& line : lines) sum += std::stoi(line);
  CHECK(sum == kLast);
  // The numbers are 1,988,895 bytes with what parts them: 128 KiB are the most of a line.
  if (is_line) CHECK(lines.size() == 16);
  if (!is_line) CHECK(lines.size() <= 40);
}

TEST_CASE("the option -X: a job's own limits and environment count", "[cli]") {
  const NoDescendantLeft guard;
  const std::string variable = "BIG=" + std::string(100'000, 'x');
  const auto jobs = [&](const Words& more) {
    Words words{"-X", "-j1"};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"sh", "-c", "echo $#", "sh"});
    return lines_of(printed(words, {.input = numbers(100000)})).size();
  };
  const auto few = jobs({"--limit", "stack=1M"});
  CHECK(few >= 6);
  CHECK(jobs({"--limit", "stack=1M", "--env", variable}) > few);
}

TEST_CASE("T43: an item that no argument can hold fails alone, and the limit is named", "[cli]") {
  const NoDescendantLeft guard;
  const std::string big(140'000, 'x');
  const Words command = GENERATE(Words{"echo"}, Words{"echo {}"});
  Words words{"pool", "-q", "-k", "-X", "-j1"};
  words.insert(words.end(), command.begin(), command.end());
  const Result result = run_procrun(words, {.input = "a\n" + big + "\nb\n"});
  CHECK(result.out == "a\nb\n");
  CHECK(result.err.find("job 2: ") != std::string::npos);
  CHECK(result.err.find("one can have 131071)") != std::string::npos);
  CHECK(result.exited(1));
}

TEST_CASE("the options --skip and --count choose, and what is left out has no number", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"--skip", "2", "--count", "2", "echo", "{#}:{}"}, {.input = numbers(9)}) ==
        "1:3\n2:4\n");
  CHECK(printed({"--skip", "9", "echo"}, {.input = numbers(3)}) == "");
  CHECK(printed({"--count", "0", "echo"}, {.input = numbers(3)}) == "");
  CHECK(printed({"--skip", "1", "--count", "2", "-n2", "echo", ":::", "a", "b", ":::", "1", "2"}) ==
        "a 2 b 1\n");
}

TEST_CASE("the option --count does not wait for what it does not take", "[cli]") {
  const NoDescendantLeft guard;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::write(ends[1], "a\nb\n", 4) == 4);
  // Our end stays open meanwhile.
  CHECK(printed({"--count", "2", "echo"}, {.stdin_fd = ends[0]}) == "a\nb\n");
  for (const int end : ends) ::close(end);
}

TEST_CASE("the option --shuf: an order for each seed", "[cli]") {
  const NoDescendantLeft guard;
  const auto order = [](const Words& more) {
    Words words = more;
    words.emplace_back("echo");
    return printed(words, {.input = numbers(40)});
  };
  const auto sorted = [](Lines lines) {
    std::sort(lines.begin(), lines.end());
    return lines;
  };
  CHECK(order({"--shuf=5"}) == order({"--shuf=5"}));
  CHECK(order({"--shuf=5"}) != order({"--shuf=6"}));
  CHECK(sorted(lines_of(order({"--shuf"}))) == sorted(lines_of(numbers(40))));
  const auto all = lines_of(order({"--shuf=5"}));
  CHECK(lines_of(order({"--shuf=5", "--skip", "3", "--count", "4"})) ==
        Lines(all.begin() + 3, all.begin() + 7));
}

TEST_CASE("the option --shuf: a signal ends the wait for what is to be shuffled", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"pool", "-q", "--shuf", "echo"}, {.keep_stdin_open = true});
  running.write("a\n");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("the option --partition: shares that are the whole together", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(printed({"--partition", "slice:2/3", "echo", "{#}:{}"}, {.input = numbers(7)}) ==
        "1:2\n2:5\n");
  Lines together;
  for (const char* share : {"hash:1/3", "hash:2/3", "hash:3/3"}) {
    for (auto& line : lines_of(printed({"--partition", share, "echo"}, {.input = numbers(60)}))) {
      together.push_back(line);
    }
  }
  Lines expected = lines_of(numbers(60));
  std::sort(together.begin(), together.end());
  std::sort(expected.begin(), expected.end());
  CHECK(together == expected);
  CHECK(refusal({"--partition", "slice:0/2", "echo"}).starts_with("procrun: pool: --partition: "));
  CHECK(refusal({"--partition", "hash:1/2", "--shuf", "echo"}).ends_with("--shuf=SEED\n"));
}

TEST_CASE("the option --partition: a signal is heard where nothing is ours without end", "[cli]") {
  const NoDescendantLeft guard;
  const int zero = ::open("/dev/zero", O_RDONLY | O_CLOEXEC);
  REQUIRE(zero != -1);
  auto running =
      start_procrun({"pool", "-v", "-0", "--partition", "hash:1/2", "echo"}, {.stdin_fd = zero});
  running.read_until(Stream::Err, "Current process is ");
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "");
  CHECK(result.signaled(SIGTERM));
  ::close(zero);
}

TEST_CASE("with --csv and -n too, jobs run before the input ends", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(
      {"pool", "-q", "-k", "--csv", "--header", ":", "-n2", "--skip", "1", "echo", "{}"},
      {.keep_stdin_open = true});
  running.write("h,i\n0,0\na,\"b\n");
  running.write("c\"\nd,e\n");
  CHECK(running.read_until(Stream::Out, "d e\n") == "a b\nc d e\n");
  running.write("f,g\n");
  running.close_input();
  const Result result = running.finish();
  CHECK(result.out == "a b\nc d e\nf g\n");
  CHECK(result.exited(0));
}

TEST_CASE("columns and several items a job are what GNU parallel makes of them", "[cli]") {
  if (!has_parallel()) return;
  const NoDescendantLeft guard;
  const std::string table = "a,b c\n$x,\n,'q\"\nno\n";
  compare_with_parallel({"-C", ",", "echo", "[{2}]", "{1}"}, table);
  compare_with_parallel({"-C", "[, ]", "echo", "{1}-{2}-{3}"}, table);
  compare_with_parallel({"-C", "\\t", "echo", "{2}{1}"}, "a\tb\nc\td\n");
  compare_with_parallel({"--header", ":", "-C", ",", "echo", "{n}/{m}"}, "n,m\na,b\nc\n");
  compare_with_parallel({"--header", ":", "echo", "{m}{n.}", ":::", "n", "a.b", ":::", "m", "x"});
  compare_with_parallel({"--link", "echo", ":::", "a", "b", "c", ":::", "1", "2", ":::", "x"});
  compare_with_parallel({"-d", ",", "echo", "{}"}, "a b,c,d");
  compare_with_parallel({"-n2", "echo", "{#}", "{}"}, numbers(5));
  compare_with_parallel({"-n2", "echo", "{4}-{1}", ":::", "a", "b", ":::", "1", "2"});
  compare_with_parallel({"-N2", "echo", "x{}y", "[{2}]"}, numbers(5));
  compare_with_parallel({"-N0", "echo", "x", "{#}"}, numbers(2));
  compare_with_parallel({"-X", "-j3", "echo", "{.}:", "x{}y{/}"}, "a.1\nd/b\nc\ne\nf\n");
  compare_with_parallel({"-X", "-j4", "echo"}, numbers(13));
  compare_with_parallel({"-X", "-j1", "echo", "{1}-{}", ":::", "a", "b", ":::", "1", "2"});
}

}  // namespace procrun::test
