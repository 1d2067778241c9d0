// pool --line-buffer: each line as soon as it is whole, however long it is, never torn.
#include <filesystem>

#include "flood.h"
#include "program.h"
#include "sys/fd.h"

namespace procrun::test {
namespace {

/// A loop of the shell until there is a file of that name.
std::string until(const std::string& file) {
  return "while [ ! -e " + file + " ]; do sleep 0.01; done; ";
}

/// The lines that begin with each name, in the order in which they came.
std::map<std::string, std::string> by_name(std::string_view stream) {
  std::map<std::string, std::string> all;
  for (const auto& line : lines_of(stream)) all[line.substr(0, line.find(' '))] += line + '\n';
  return all;
}

Words lines_of_jobs(const Words& more, const Words& jobs) {
  Words words{"pool", "-q", "--lb"};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), {"sh", "-c", "{}", ":::"});
  words.insert(words.end(), jobs.begin(), jobs.end());
  return words;
}

}  // namespace

TEST_CASE("MIX: with --lb lines of jobs that write at once come out whole, and all of them",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto expected = eight_floods("1000000");
  const std::string option = GENERATE("--lb", "--line-buffer");
  const Result result = run_procrun(flood_words("1000000", {option}));
  CHECK((by_name(result.out) == expected));
  CHECK((by_name(result.err) == expected));
  CHECK(result.exited(0));
}

TEST_CASE("the option --lb: a line comes when it is whole, while its job and others run", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(
      lines_of_jobs({"-j2"}, {"echo a1; printf a2; >begun; " + until("go") + "echo",
                              until("begun") + until("seen") + "echo b1; echo e1 >&2; " +
                                  until("on") + "echo b2"}),
      {.cwd = dir.path().string()});
  CHECK(running.read_until(Stream::Out, "a1\n") == "a1\n");
  write_file(dir / "seen", "");
  CHECK(running.read_until(Stream::Out, "b1\n") == "b1\n");
  CHECK(running.read_until(Stream::Err, "\n") == "e1\n");
  write_file(dir / "go", "");
  CHECK(running.read_until(Stream::Out, "a2\n") == "a2\n");
  write_file(dir / "on", "");
  const Result result = running.finish();
  CHECK(result.out == "a1\nb1\na2\nb2\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option --lb: long lines of both streams at once come whole", "[cli]") {
  const NoDescendantLeft guard;
  const std::string both =
      "for i in $(seq 300); do printf %05000d 0; printf %07000d 0 >&2; done; echo; echo >&2";
  const Words how = GENERATE(Words{}, Words{"-k"}, Words{"--tag"});
  CAPTURE(how);
  const std::string tag = how == Words{"--tag"} ? both + '\t' : "";
  const Words words = lines_of_jobs(how, {both});
  const std::string out = tag + std::string(300 * 5000, '0') + '\n';
  const std::string err = tag + std::string(300 * 7000, '0') + '\n';
  SECTION("each to its own") {
    const Result result = run_procrun(words);
    CHECK((result.out == out));
    CHECK((result.err == err));
  }
  SECTION("to one file") {
    const TempDir dir;
    const sys::Fd file = sys::open(dir / "both", O_WRONLY | O_CREAT);
    const Result result = run_procrun(words, {.stdout_fd = file.get(), .stderr_fd = file.get()});
    CHECK(result.exited(0));
    const std::string text = read_file(dir / "both");
    CHECK((text == out + err || text == err + out));
  }
}

TEST_CASE("the option --lb: many long lines, each in one piece", "[cli]") {
  const NoDescendantLeft guard;
  std::string expected;
  Lines sizes;
  for (const char* size : {"4095", "4096", "30000", "32768", "50000", "65536", "300000", "1"}) {
    sizes.emplace_back(size);
    expected +=
        std::string(std::stoul(size), '0') + '\n' + std::string(std::stoul(size), '0') + '\n';
  }
  Words words{"pool", "-q", "-j2", "-k", "--lb", "printf", "%0{}d\\n%0{}d\\n", "0", "0", ":::"};
  words.insert(words.end(), sizes.begin(), sizes.end());
  CHECK((run_procrun(words).out == expected));
  words.erase(words.begin() + 3);  // without -k
  Lines lines = lines_of(run_procrun(words).out);
  CHECK((sorted(lines) == sorted(lines_of(expected))));
}

TEST_CASE("the option --lb: a last line without a newline gets one only before what follows",
          "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(lines_of_jobs(
      {"-j1", "-k"}, {"printf a", "printf e >&2", "true", "echo b", "printf c", "echo f >&2"}));
  CHECK(result.out == "a\nb\nc");
  CHECK(result.err == "e\nf\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option --lb with -k: whose turn it is is shown line by line, others wait", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(
      lines_of_jobs({"-j3", "-k"}, {"echo a1; " + until("go") + "echo a2; printf a3",
                                    "echo b1; seq 30000; >said; " + until("on") + "echo b2",
                                    until("said") + "echo c; >go"}),
      {.cwd = dir.path().string()});
  CHECK(running.read_until(Stream::Out, "a1\n") == "a1\n");
  // The first has ended, and the second runs on.
  const std::string numbers = run({"seq", "30000"}).out;
  CHECK((running.read_until(Stream::Out, "\n30000\n") == "a2\na3\nb1\n" + numbers));
  write_file(dir / "on", "");
  CHECK(running.read_until(Stream::Out, "c\n") == "b2\nc\n");
  CHECK(running.finish().exited(0));
}

TEST_CASE("the option --lb with --tag: each line begins with it, once", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"pool", "-qk", "--lb", "--tag",
       "echo 1; printf 2; sleep 0.01; echo 3; head -c 300000 /dev/zero | tr '\\0' x; echo; "
       "echo e >&2; printf 4 #",
       ":::", "a", "b"});
  const std::string one = "\t1\na\t23\na\t" + std::string(300000, 'x') + "\na\t4";
  std::string two = one;
  std::replace(two.begin(), two.end(), 'a', 'b');
  CHECK((result.out == "a" + one + "\nb" + two));
  CHECK(result.err == "a\te\nb\te\n");
}

TEST_CASE("the option --lb shows what each attempt wrote", "[cli]") {
  const NoDescendantLeft guard;
  const Words order = GENERATE(Words{}, Words{"-k"});
  CAPTURE(order);
  Words more{"--retries", "2"};
  more.insert(more.end(), order.begin(), order.end());
  const Result result = run_procrun(
      lines_of_jobs(more, {"echo $PROCRUN_ATTEMPT; printf end; [ $PROCRUN_ATTEMPT = 3 ]"}));
  CHECK(result.out == "1\nend\n2\nend\n3\nend");
  CHECK(result.exited(0));
}

TEST_CASE("the option --lb with -k: a job in JSON that has retries waits for its turn, too",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string first = R"({"shell": ")" + until("said") + R"(echo a"})";
  const std::string second =
      R"({"shell": "echo $PROCRUN_ATTEMPT; >said; [ $PROCRUN_ATTEMPT = 2 ]", "retries": 1})";
  const Result result =
      run_procrun({"pool", "-q", "-k", "-j2", "--lb", "-f", "-"},
                  {.input = first + '\n' + second + '\n', .cwd = dir.path().string()});
  CHECK(result.out == "a\n1\n2\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option --lb: a job's lines are shown before its next attempt is due", "[cli]") {
  const NoDescendantLeft guard;
  const Words order = GENERATE(Words{}, Words{"-k"});
  CAPTURE(order);
  Words more{"--retries", "2", "--retry-delay", "60s"};
  more.insert(more.end(), order.begin(), order.end());
  auto running = start_procrun(lines_of_jobs(more, {"echo first; exit 1"}));
  CHECK(running.read_until(Stream::Out, "first\n") == "first\n");
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
}

TEST_CASE("the option --lb: what a job wrote before it was ended is shown", "[cli]") {
  const NoDescendantLeft guard;
  const Result late = run_procrun(
      lines_of_jobs({"--timeout", "2", "-j1"}, {"echo a; printf b; exec sleep 60", "echo c"}));
  CHECK(late.out == "a\nb\nc\n");
  CHECK(late.exited(1));
  const TempDir dir;
  const Result failed = run_procrun(
      lines_of_jobs({"--fail-fast", "-j2"},
                    {"echo a; printf b; >begun; exec sleep 60", until("begun") + "exit 3"}),
      {.cwd = dir.path().string()});
  CHECK(failed.out == "a\nb");
  CHECK(failed.exited(3));
  auto running = start_procrun(
      lines_of_jobs({"--race", "-j2"}, {"echo a; printf b; >also; exec sleep 60",
                                        until("also") + until("go") + "echo c; printf d"}),
      {.cwd = dir.path().string()});
  running.read_until(Stream::Out, "a\n");
  write_file(dir / "go", "");
  const Result race = running.finish();
  CHECK(race.out == "a\nc\nd");
  CHECK(race.exited(0));
}

TEST_CASE("LEAK: with --lb a grandchild that holds a job's output holds nothing else", "[cli]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result =
      run_procrun(lines_of_jobs({"-j1"}, {"echo a; printf b; sleep 60 & exit 0", "echo c"}));
  CHECK(result.out == "a\nb\nc\n");
  CHECK(result.exited(0));
  CHECK(Clock::now() - begin < seconds{10});
}

TEST_CASE("KILL9: with --lb a worker that is killed within a line leaves none torn", "[cli]") {
  const NoDescendantLeft guard;
  const std::string much = "printf %0300000d 0; ";
  const std::string begun = GENERATE_COPY(std::string{"printf x; "}, much);
  const TempDir dir;
  auto running = start_procrun(
      lines_of_jobs({"-j2"}, {"echo a; " + begun + until("go") + "kill -9 $PPID; sleep 60",
                              until("go") + "sleep 0.3; echo b"}),
      {.cwd = dir.path().string()});
  running.read_until(Stream::Out, "a\n");
  write_file(dir / "go", "");
  const Result result = running.finish();
  CHECK(result.out == "a\nb\n");
  CHECK(result.err.find("lost") != std::string::npos);
  CHECK(result.exited(1));
}

TEST_CASE("RAM: with --lb a reader that sleeps makes the jobs wait, and a signal ends them",
          "[cli]") {
  const NoDescendantLeft guard;
  Pipe out;
  auto running = start_procrun({"pool", "-q", "-j4", "--lb", "yes", ":::", "1", "2", "3", "4"},
                               {.stdout_fd = out.ends[1]});
  out.close(1);
  // Each has written all that anybody takes, and sleeps.
  const auto sleeping = [&] {
    int count = 0;
    for (const pid_t pid : descendants_of(running.pid())) {
      std::ifstream wchan{"/proc/" + number(pid) + "/stat"};
      std::string text{std::istreambuf_iterator<char>{wchan}, {}};
      count += text.find("(yes) S") != std::string::npos ? 1 : 0;
    }
    return count;
  };
  REQUIRE(eventually([&] { return sleeping() == 4; }));
  if (!kSanitized) CHECK(pss_of(running.pid()) < 8 * 1024);
  running.send(SIGTERM);
  const auto begin = Clock::now();
  CHECK(running.finish().signaled(SIGTERM));
  CHECK(Clock::now() - begin < seconds{5});
  char first[6];
  REQUIRE(::read(out.ends[0], first, sizeof first) == 6);
}

TEST_CASE("the option --lb: jobs that waited for a slow reader go on, and nothing is lost",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto expected = eight_floods("700000");
  const Words how = GENERATE(Words{"--lb"}, Words{"--lb", "-k"});
  CAPTURE(how);
  Pipe out;
  Pipe err;
  auto running = start_procrun(flood_words("700000", how),
                               {.stdout_fd = out.ends[1], .stderr_fd = err.ends[1]});
  REQUIRE(eventually([&] {
    pollfd writable{out.ends[1], POLLOUT, 0};
    return ::poll(&writable, 1, 0) == 0;
  }));
  out.close(1);
  err.close(1);
  // The readers go on one after the other: neither holds up the other's stream for good.
  const pid_t reader = ::fork();
  if (reader == 0) ::_exit(read_all(err.ends[0]).size() == 8 * expected.at("a").size() ? 0 : 1);
  CHECK((by_name(read_all(out.ends[0])) == expected));
  int status = 0;
  REQUIRE(::waitpid(reader, &status, 0) == reader);
  CHECK(status == 0);
  CHECK(running.finish().exited(0));
}

TEST_CASE("SIGPIPE: with --lb jobs that run when the reader has gone are ended", "[cli]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{"--lb"}, Words{"--lb", "-k"});
  CAPTURE(how);
  Pipe out;
  Words words{"pool", "-q", "-j2"};
  words.insert(words.end(), how.begin(), how.end());
  words.insert(words.end(), {"yes", ":::", "1", "2", "3"});
  auto running = start_procrun(words, {.stdout_fd = out.ends[1]});
  out.close(1);
  char buffer[100000];
  for (std::size_t got = 0; got < 5'000'000;) {
    const ssize_t size = ::read(out.ends[0], buffer, sizeof buffer);
    REQUIRE(size > 0);
    got += static_cast<std::size_t>(size);
  }
  out.close(0);
  const Result result = running.finish();
  CHECK(result.err == "");
  CHECK(result.signaled(SIGPIPE));
}

TEST_CASE("T31: with --lb a full disk under stdout is an error", "[cli]") {
  const NoDescendantLeft guard;
  const Words how = GENERATE(Words{"--lb"}, Words{"--lb", "-k"});
  CAPTURE(how);
  const sys::Fd full = sys::open("/dev/full", O_WRONLY);
  Words words{"pool", "-q", "-j2"};
  words.insert(words.end(), how.begin(), how.end());
  words.insert(words.end(), {"yes", ":::", "1", "2", "3"});
  const Result result = run_procrun(words, {.stdout_fd = full.get()});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: pool: write to standard output: No space left on device\n");
}

TEST_CASE("the option --lb: a bar on the terminal makes way for each line", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Terminal terminal;
  auto running = start_procrun(
      {"pool", "--log-level", "off", "-j2", "--lb", "--progress", "bar", "sh", "-c", "{}",
       ":::", until("one") + "echo a; " + until("two"), until("one") + "printf b; " + until("two")},
      on_terminal(terminal, {.env = {"TERM=xterm"}, .cwd = dir.path().string()}));
  terminal.close_slave();
  terminal.read_until("2 running");
  write_file(dir / "one", "");
  CHECK(terminal.read_until("a\n").find("\033[K") != std::string::npos);
  terminal.read_until("2 running");  // it is drawn again
  write_file(dir / "two", "");
  const std::string rest = terminal.read_rest();
  CHECK(running.finish().exited(0));
  CHECK((rest.find("\033[Kb\n") != std::string::npos || rest.find("\nb\n") != std::string::npos));
}

TEST_CASE("the option --lb with --results: files grow line by line, and stdout has nothing",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "go", "");
  const Words words{
      "pool",    "-q",
      "--lb",    "--results",
      dir / "r", "--retries",
      "1",       "sh",
      "-c",      "echo a; echo e >&2; " + until("go") + "printf b; [ $PROCRUN_ATTEMPT = 2 ]",
      ":::",     "x"};
  const Options there{.cwd = dir.path().string()};
  CHECK(run_procrun(words, there).out.empty());
  CHECK(read_file(dir / "r/1/x/stdout") == "a\nb\na\nb");
  std::filesystem::remove(dir / "go");
  auto running = start_procrun(words, there);
  CHECK(eventually([&] { return read_file(dir / "r/1/x/stdout") == "a\n"; }));
  CHECK(eventually([&] { return read_file(dir / "r/1/x/stderr") == "e\n"; }));
  write_file(dir / "go", "");
  CHECK(running.finish().out.empty());
  CHECK(read_file(dir / "r/1/x/stdout") == "a\nb\na\nb");
  CHECK(read_file(dir / "r/1/x/seq") == "1");
}

TEST_CASE("the option --lb is refused where output passes by, or comes in one piece", "[cli]") {
  const std::string other = GENERATE("-u", "--group");
  const Result result = run_procrun({"pool", "--lb", other, "echo", ":::", "a"});
  CHECK(result.exited(125));
  CHECK(result.err.find("--group, --line-buffer and -u exclude each other") != std::string::npos);
}

}  // namespace procrun::test
