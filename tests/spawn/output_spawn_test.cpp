// Where input comes from and output goes to.
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

std::string numbers(int from, int to, int step, const std::string& prefix = "") {
  std::string text;
  for (int i = from; i < to; i += step) text += prefix + std::to_string(i) + "\n";
  return text;
}

Result quietly(Words options, const Words& steps, Options how = {}) {
  options.insert(options.begin(), "-q");
  return run_procrun(spawn(options, doing(steps)), std::move(how));
}

/// A pipe whose reader the test is.
struct OwnPipe {
  OwnPipe() { REQUIRE(::pipe2(fds, O_CLOEXEC) == 0); }
  ~OwnPipe() {
    ::close(fds[0]);
    close_write();
  }
  void close_write() {
    if (fds[1] != -1) ::close(std::exchange(fds[1], -1));
  }
  int read_end() const { return fds[0]; }
  int write_end() const { return fds[1]; }

  int fds[2] = {-1, -1};
};

/// How many bytes come through of a command that does `steps` and ends while its worker sleeps, so
/// that all is still in the pipe when its end is noticed.
std::size_t passed_on_from_the_dead(const Words& steps) {
  Words all{"all", "close:2"};
  all.insert(all.end(), steps.begin(), steps.end());
  OwnPipe pipe;
  auto running = start_procrun(spawn({"-q", "--max-output", "1G"}, doing(all)),
                               {.stdout_fd = pipe.write_end(), .keep_stdin_open = true});
  pipe.close_write();
  const pid_t worker = worker_of(running.pid());
  pid_t command = 0;
  REQUIRE(eventually([&] {
    for (const pid_t pid : children_of(worker)) command = pid;
    return command != 0 && status_of(command, "Name") == "spawn_do";
  }));
  ::kill(worker, SIGSTOP);
  REQUIRE(comes_to(worker, 'T'));
  running.close_input();
  REQUIRE(comes_to(command, 'Z'));
  ::kill(worker, SIGCONT);
  // What `all` has told of stdin comes first: "0 0".
  const std::size_t size = read_all(pipe.read_end()).size() - 4;
  CHECK(running.finish().exited(0));
  return size;
}

long rss_kib(pid_t pid) { return std::atol(status_of(pid, "VmRSS").c_str()); }

}  // namespace

TEST_CASE("spawn --stdin is the command's stdin", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "in", "from the file");
  const Result result =
      run_procrun(spawn({"-q", "--stdin", dir / "in"}, {"cat"}), {.input = "from the caller"});
  CHECK(result.out == "from the file");
  CHECK(result.exited(0));
}

TEST_CASE("spawn refuses files that it cannot open, and starts nothing", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string nowhere = dir / "no/such/file";
  for (const char* option : {"--stdin", "-o", "-e", "--lock"}) {
    CAPTURE(option);
    const Result result = run_procrun(spawn({option, nowhere}, doing({"out:ran"})));
    CHECK(refused(result, nowhere + ": No such file or directory"));
  }
}

TEST_CASE("spawn -o and -e put each stream in its file, emptied before", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "out", "old\n");
  write_file(dir / "err", "old\n");
  const Words options{"-o", dir / "out", "-e", dir / "err"};
  const Result result = quietly(options, {"out:1", "err:2", "exit:3"});
  CHECK(result.out == "");
  CHECK(result.err == "");
  CHECK(result.exited(3));
  CHECK(read_file(dir / "out") == "1\n");
  CHECK(read_file(dir / "err") == "2\n");
}

TEST_CASE("spawn --append leaves what is in the files", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "out", "old\n");
  quietly({"--append", "-o", dir / "out", "-e", dir / "err"}, {"out:1", "err:2"});
  quietly({"--append", "-o", dir / "out", "-e", dir / "err"}, {"out:3", "err:4"});
  CHECK(read_file(dir / "out") == "old\n1\n3\n");
  CHECK(read_file(dir / "err") == "2\n4\n");
}

TEST_CASE("spawn -o and -e with the same file keep the order of writing", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Words append = GENERATE(Words{}, Words{"--append"});
  const std::string name = GENERATE("both", "./both");
  Words options{"-o", dir / "both", "-e", dir / name};
  options.insert(options.end(), append.begin(), append.end());
  quietly(options, {"alternate:2000"});
  CHECK(read_file(dir / "both") == numbers(0, 2000, 1));
}

TEST_CASE("spawn -o gives the command a file that it can seek in, as the shell does", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Words seek{"dd", "if=/dev/zero", "bs=1", "count=1", "seek=100", "status=none"};
  CHECK(run_procrun(spawn({"-q", "-o", dir / "out"}, seek)).exited(0));
  CHECK(read_file(dir / "out") == std::string(101, '\0'));
}

TEST_CASE("spawn -o takes what is streamed too", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  quietly({"-o", dir / "out", "--prefix", "> "}, {"out:1", "err:2", "out:3"});
  CHECK(read_file(dir / "out") == "> 1\n> 3\n");
}

TEST_CASE("spawn refuses outputs that exclude each other", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto with = [](const Words& options) { return run_procrun(spawn(options, {"true"})); };
  CHECK(refused(with({"--merge", "-e", dir / "f"}), "--merge and --stderr exclude each other"));
  CHECK(refused(with({"--quiet-ok", "-o", dir / "f"}), "--quiet-ok"));
  CHECK(refused(with({"--append"}), "--append needs --stdout or --stderr"));
  CHECK(refused(with({"--merge", "--fail-on-stderr"}), "--fail-on-stderr"));
  CHECK(refused(with({"--max-output", "much"}), "is not a size"));
  CHECK(refused(with({"--max-output", "1M=drop"}), "truncate nor kill"));
}

TEST_CASE("spawn --quiet-ok shows nothing of a success", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = quietly({"--quiet-ok"}, {"out:1", "err:2", "flood:500000"});
  CHECK(result.out == "");
  CHECK(result.err == "");
  CHECK(result.exited(0));
  CHECK(quietly({"--quiet-ok", "--ok-exit", "3"}, {"out:1", "exit:3"}).out == "");
}

TEST_CASE("spawn --quiet-ok shows all of a failure, each stream on its own", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string count = GENERATE("10", "100000");  // in memory, and beyond it
  const Result result = quietly({"--quiet-ok"}, {"alternate:" + count, "exit:3"});
  CHECK(result.out == numbers(0, std::stoi(count), 2));
  CHECK(result.err == numbers(1, std::stoi(count), 2));
  CHECK(result.exited(3));
}

TEST_CASE("spawn --quiet-ok shows what a time limit, a signal and a leak cut off", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(quietly({"--quiet-ok", "-t", "200ms"}, {"out:1", "pause"}).out == "1\n");
  CHECK(quietly({"--quiet-ok"}, {"out:1", "kill:9"}).out == "1\n");
  CHECK(quietly({"--quiet-ok", "--leak=fail"}, {"out:1", "fork{", "pause", "}"}).out == "1\n");
}

TEST_CASE("spawn --merge keeps the exact order", "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(Words{"--merge"}, Words{"--merge", "--quiet-ok"},
                             Words{"--merge", "--max-output", "1G"});
  CAPTURE(way);
  const Result result = quietly(way, {"alternate:10000", "exit:3"});
  CHECK((result.out == numbers(0, 10000, 1)));
  CHECK(result.err == "");
  CHECK(result.exited(3));
}

TEST_CASE("spawn --merge with a prefix, and into a file", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK((quietly({"--merge", "--prefix", "> "}, {"alternate:3000"}).out ==
         numbers(0, 3000, 1, "> ")));
  quietly({"--merge", "-o", dir / "out"}, {"alternate:3000"});
  CHECK((read_file(dir / "out") == numbers(0, 3000, 1)));
}

TEST_CASE("spawn --fail-on-stderr is 125 for who writes there and succeeds otherwise", "[spawn]") {
  const NoDescendantLeft guard;
  const auto with = [](const Words& steps) { return quietly({"--fail-on-stderr"}, steps); };
  const Result result = with({"out:1", "err:2"});
  CHECK(result.out == "1\n");
  CHECK(matches(result.err,
                "2\n"
                "procrun: spawn: [0-9]+ exited with code 0, but wrote to stderr\n"));
  CHECK(result.exited(125));
  CHECK(with({"out:1"}).exited(0));
  CHECK(with({"err:2", "exit:4"}).exited(4));
  CHECK(with({"err:2", "kill:9"}).signaled(SIGKILL));
}

TEST_CASE("spawn --prefix stands before each line, the last one without a newline too", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = quietly(
      {"--prefix", "[x] "},
      {"out:1", "raw:2", "ms:20", "raw:2", "ms:20", "out:2", "out:", "err:3", "raw:4", "exit:6"});
  CHECK(result.out == "[x] 1\n[x] 222\n[x] \n[x] 4");
  CHECK(result.err == "[x] 3\n");
  CHECK(result.exited(6));
}

TEST_CASE("spawn --timestamps stand before each line, before its prefix", "[spawn]") {
  const NoDescendantLeft guard;
  const auto with = [](const Words& options) { return quietly(options, {"out:1", "raw:2"}).out; };
  const std::string time = "\\d\\d:\\d\\d:\\d\\d\\.\\d{6} ";
  CHECK(matches(with({"--timestamps"}), time + "1\n" + time + "2"));
  CHECK(matches(with({"--timestamps=%H:%M:%.S"}), time + "1\n" + time + "2"));
  CHECK(matches(with({"--timestamps=%Y-%m-%d", "--prefix", "> "}),
                "\\d{4}-\\d\\d-\\d\\d > 1\n\\d{4}-\\d\\d-\\d\\d > 2"));
  CHECK(matches(with({"--timestamps=%.s"}), "\\d{10}\\.\\d{6} 1\n\\d{10}\\.\\d{6} 2"));
  // Its value is its own only with the equals sign.
  CHECK(run_procrun({"spawn", "-q", "--timestamps", "true"}).exited(0));
}

TEST_CASE("spawn --max-output drops what is more, and says so", "[spawn]") {
  const NoDescendantLeft guard;
  const Words more = GENERATE(Words{}, Words{"--quiet-ok"});
  Words options{"--max-output", "1000"};
  options.insert(options.end(), more.begin(), more.end());
  const Result result = quietly(options, {"flood:300000", "exit:3"});
  CHECK(result.out.size() == 1000);
  CHECK(contains(result.err, "output beyond the limit was dropped"));
  CHECK(result.exited(3));
  const Result exact = quietly(options, {"flood:1000", "exit:3"});
  CHECK(exact.out.size() == 1000);
  CHECK(exact.err == "");
}

TEST_CASE("spawn --max-output counts both streams together", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result =
      quietly({"--max-output", "6"}, {"out:123", "ms:50", "err:456", "ms:50", "out:7"});
  CHECK(result.out == "123\n");
  CHECK(result.err.starts_with("45"));
  CHECK(result.err.find("456") == std::string::npos);
}

TEST_CASE("spawn --max-output=kill ends who writes more, with 125", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const auto begin = Clock::now();
  const Result result =
      quietly({"--max-output", "10K=kill"}, {"flood:20000", "pause"}, {.env = {mark.env()}});
  CHECK(Clock::now() - begin < seconds{3});
  CHECK(result.out.size() == 10 * 1024);
  CHECK(result.exited(125));
  CHECK(mark.gone());
}

TEST_CASE("spawn --max-output=kill is 125 also for who ends before it can be ended", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string code = GENERATE("0", "3");
  const Result result = quietly({"--max-output", "10=kill"}, {"raw:more than ten", "exit:" + code});
  CHECK(result.out == "more than ");
  CHECK(result.exited(125));
  CHECK(quietly({"--max-output", "10=kill"}, {"raw:just ten..", "exit:" + code})
            .exited(std::stoi(code)));
}

TEST_CASE("spawn streams 200 MB past a slow reader in little memory", "[spawn]") {
  const NoDescendantLeft guard;
  OwnPipe pipe;
  auto running = start_procrun(spawn({"-q", "--max-output", "1G"}, doing({"flood:200000000"})),
                               {.stdout_fd = pipe.write_end()});
  pipe.close_write();
  const pid_t worker = worker_of(running.pid());
  std::vector<char> block(1 << 20);
  std::uint64_t size = 0;
  long most = 0;
  int reads = 0;
  for (ssize_t got = 0; (got = ::read(pipe.read_end(), block.data(), block.size())) > 0;) {
    size += static_cast<std::uint64_t>(got);
    if (++reads % 50 != 0) continue;
    most = std::max({most, rss_kib(worker), rss_kib(running.pid())});
    const timespec a_little{0, 1'000'000};
    ::nanosleep(&a_little, nullptr);
  }
  CHECK(size == 200'000'000);
  CHECK(running.finish().exited(0));
  CHECK(most > 0);
  if (!kSanitized) CHECK(most < 8 * 1024);
}

TEST_CASE("spawn keeps 30 MB for --quiet-ok in little memory", "[spawn]") {
  const NoDescendantLeft guard;
  OwnPipe pipe;
  auto running = start_procrun(spawn({"-q", "--quiet-ok"}, doing({"flood:30000000", "exit:3"})),
                               {.stdout_fd = pipe.write_end()});
  pipe.close_write();
  std::vector<char> block(1 << 20);
  std::uint64_t size = 0;
  long most = 0;
  for (ssize_t got = 0; (got = ::read(pipe.read_end(), block.data(), block.size())) > 0;) {
    size += static_cast<std::uint64_t>(got);
    most = std::max(most, rss_kib(running.pid()));
  }
  CHECK(size == 30'000'000);
  CHECK(running.finish().exited(3));
  if (!kSanitized) CHECK(most < 8 * 1024);
}

TEST_CASE("spawn passes on all that was in the pipe when the command had ended", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(passed_on_from_the_dead({"flood:60000"}) == 60'000);
}

TEST_CASE("spawn keeps all of a pipe that its command made larger", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = quietly({"--quiet-ok"}, {"bigpipe", "flood:900000", "exit:3"});
  CHECK(result.out.size() == 900'000);
  CHECK(result.exited(3));
}

TEST_CASE("a reader that goes away is the command's SIGPIPE, in streams as without", "[spawn]") {
  const NoDescendantLeft guard;
  const Words way = GENERATE(Words{}, Words{"--max-output", "1G"});
  CAPTURE(way);
  OwnPipe pipe;
  Words options{"-q"};
  options.insert(options.end(), way.begin(), way.end());
  auto running =
      start_procrun(spawn(options, doing({"flood:2000000000"})), {.stdout_fd = pipe.write_end()});
  pipe.close_write();
  char byte;
  CHECK(::read(pipe.read_end(), &byte, 1) == 1);
  ::close(std::exchange(pipe.fds[0], -1));
  CHECK(running.finish().signaled(SIGPIPE));
}

TEST_CASE("T20: much on stderr does not block who reads stdout first", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string way = GENERATE("--quiet-ok", "--fail-on-stderr");
  const Result result = run_procrun(
      spawn({"-q", way}, {"sh", "-c", "head -c 1000000 /dev/zero >&2; echo 1; exit 3"}));
  CHECK(result.err.size() == 1'000'000);
  CHECK(result.out == "1\n");
  CHECK(result.exited(3));
}

TEST_CASE("spawn --quiet-ok keeps the order in which it read where both streams are one",
          "[spawn]") {
  const NoDescendantLeft guard;
  OwnPipe both;
  auto running = start_procrun(
      spawn({"-q", "--quiet-ok"},
            doing({"out:1", "ms:60", "err:2", "ms:60", "out:3", "ms:60", "err:4", "exit:3"})),
      {.stdout_fd = both.write_end(), .stderr_fd = both.write_end()});
  both.close_write();
  CHECK(read_all(both.read_end()) == "1\n2\n3\n4\n");
  CHECK(running.finish().exited(3));
}

TEST_CASE("spawn loses nothing of a pipe that its command made larger, however slow the reader",
          "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  OwnPipe pipe;
  auto running = start_procrun(
      spawn({"-q", "--max-output", "1G"},
            doing({"bigpipe", "flood:900000", "append:" + (dir / "f") + ":written", "exit:3"})),
      {.stdout_fd = pipe.write_end()});
  pipe.close_write();
  const pid_t worker = worker_of(running.pid());
  // All is written before anything is read.
  CHECK(eventually([&] { return read_file(dir / "f") == "written\n"; }));
  CHECK(eventually([&] { return children_of(worker).empty(); }));
  CHECK(read_all(pipe.read_end()).size() == 900'000);
  CHECK(running.finish().exited(3));
}

TEST_CASE("spawn loses nothing to a slow reader when the deadline comes", "[spawn]") {
  const NoDescendantLeft guard;
  const std::string limit = GENERATE("-t", "--deadline");
  CAPTURE(limit);
  OwnPipe pipe;
  auto running = start_procrun(
      spawn({"-q", limit, "300ms", "--max-output", "1G"}, doing({"flood:131072", "pause"})),
      {.stdout_fd = pipe.write_end()});
  pipe.close_write();
  const pid_t worker = worker_of(running.pid());
  const auto begun = [&] { return !children_of(worker).empty(); };
  CHECK(eventually(begun));
  CHECK(eventually([&] { return !begun(); }, seconds{5}));
  CHECK(read_all(pipe.read_end()).size() == 131072);
  CHECK(running.finish().exited(124));
}

}  // namespace procrun::test
