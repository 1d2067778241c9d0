// pool and the stresses that GNU parallel's manual has for tools like it ("Testing other tools"),
// and more of the kind. The others of these names stand with what they are about: MIX,
// STDERRMERGE, LEAK, SIGPIPE, TTOU, KILL9, WRONGRESUME and TOKENS.
#include <sys/resource.h>
#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <set>

#include "flood.h"
#include "program.h"

namespace procrun::test {
namespace {

/// A job that writes SIZE bytes, makes a file of its number, and waits for `go`.
std::string writes_and_waits(const std::string& size) {
  return "head -c " + size + " /dev/zero; >at.{#}; while [ ! -e go ]; do sleep 0.01; done #";
}

void await(const TempDir& dir, int jobs) {
  for (int i = 1; i <= jobs; ++i) {
    REQUIRE(eventually([&] { return std::filesystem::exists(dir / ("at." + std::to_string(i))); }));
  }
}

/// The children of procrun, and theirs, that have ended and were not reaped.
Lines zombies_below(pid_t procrun) {
  Lines zombies;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    const pid_t pid = std::stoi(name);
    if (!status_of(pid, "State").starts_with("Z")) continue;
    const pid_t parent = parent_of(pid);
    if (parent == procrun || parent_of(parent) == procrun) zombies.push_back(name);
  }
  return zombies;
}

/// The room that the files without a name take that a process has open; bytes.
std::uintmax_t room_of_nameless_files(pid_t pid) {
  std::map<ino_t, std::uintmax_t> rooms;
  for (const auto& entry : std::filesystem::directory_iterator{"/proc/" + number(pid) + "/fd"}) {
    struct stat status {};
    if (::stat(entry.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    if (status.st_nlink == 0) rooms[status.st_ino] = static_cast<std::uintmax_t>(status.st_blocks);
  }
  std::uintmax_t sum = 0;
  for (const auto& [file, blocks] : rooms) sum += blocks * 512;
  return sum;
}

Options with_file_limit(rlim_t bytes, Options options = {}) {
  options.in_child = [bytes] {
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  };
  return options;
}

}  // namespace

TEST_CASE("RAM: output that memory should not hold waits in files that have no name", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "tmp");
  const int out = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  auto running = start_procrun(
      {"pool", "-q", "-j4", writes_and_waits("20000000"), ":::", "1", "2", "3", "4"},
      {.env = {"TMPDIR=" + dir / "tmp"}, .cwd = dir.path().string(), .stdout_fd = out});
  ::close(out);
  await(dir, 4);
  const long pss = pss_of(running.pid());
  CHECK(pss > 0);
  if (!kSanitized) CHECK(pss < 8 * 1024);
  CHECK(std::filesystem::is_empty(dir / "tmp"));
  CHECK(std::filesystem::file_size(dir / "out") == 0);
  write_file(dir / "go", "");
  CHECK(running.finish().exited(0));
  CHECK(std::filesystem::file_size(dir / "out") == 80000000);
}

TEST_CASE("RAM: of what --pipe cuts, a file holds the blocks that are next, and memory none",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  auto source = start({"sh", "-c", "yes 'a line of some length' | head -c 100000000"},
                      {.stdout_fd = ends[1]});
  auto running = start_procrun({"pool", "-q", "-j2", "--pipe", "--block", "8M",
                                "wc -c; >at.{#}; while [ ! -e go ]; do sleep 0.01; done"},
                               {.cwd = dir.path().string(), .stdin_fd = ends[0]});
  for (const int end : ends) ::close(end);
  await(dir, 2);
  // Two in hand, two that are next; and what cannot be cut yet.
  const auto is_enough = [&] { return room_of_nameless_files(running.pid()) >= 4 * 8'380'000; };
  CHECK(eventually(is_enough));
  const long pss = pss_of(running.pid());
  CHECK(pss > 0);
  if (!kSanitized) CHECK(pss < 8 * 1024);
  CHECK(room_of_nameless_files(running.pid()) < 5 * 8 * 1024 * 1024);
  write_file(dir / "go", "");
  const Result result = running.finish();
  CHECK(result.exited(0));
  long sum = 0;
  for (const auto& line : lines_of(result.out)) sum += std::stol(line);
  CHECK(sum == 100'000'000);
  CHECK(source.finish().exited(0));
}

TEST_CASE("LEAK: a worker that is killed takes nobody's result with it, and nobody runs twice",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  // Short jobs, whose results travel together; each 50th kills its worker.
  const std::string job = "echo {} >>ran; [ $(({} % 50)) != 0 ] || kill -9 $PPID";
  Words words{"pool", "-q", "-j2", "--joblog", "log", job, ":::"};
  std::multiset<std::string> expected;
  for (int i = 1; i <= 1000; ++i) expected.insert(words.emplace_back(std::to_string(i)));
  const Result result = run_procrun(words, {.cwd = dir.path().string()});
  CHECK(result.exited(20));
  const Lines ran = lines_of(read_file(dir / "ran"));
  CHECK(std::multiset<std::string>(ran.begin(), ran.end()) == expected);
  std::multiset<std::string> logged;
  Lines log = lines_of(read_file(dir / "log"));
  REQUIRE(!log.empty());
  log.erase(log.begin());  // the head
  for (const std::string& line : log) logged.insert(line.substr(0, line.find('\t')));
  CHECK(logged == expected);
}

TEST_CASE("4GB line: with --lb a line that memory should not hold is whole, others' come meanwhile",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::size_t size = 120'000'000;
  const int out = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  auto running = start_procrun({"pool", "-q", "-j2", "--lb", "sh", "-c", "{}", ":::",
                                "tr '\\0' x </dev/zero | head -c 120000000; "
                                "until grep -q tick out; do sleep 0.01; done; >done; echo",
                                "while [ ! -e done ]; do echo tick; sleep 0.01; done"},
                               {.cwd = dir.path().string(), .stdout_fd = out});
  ::close(out);
  long most = 0;
  REQUIRE(eventually(
      [&] {
        most = std::max(most, pss_of(running.pid()));
        return std::filesystem::file_size(dir / "out") > size;
      },
      seconds{30}));
  CHECK(running.finish().exited(0));
  CHECK(most > 0);
  if (!kSanitized) CHECK(most < 8 * 1024);
  std::string text = read_file(dir / "out");
  const auto line = text.find('x');
  REQUIRE(line != std::string::npos);
  CHECK(line > 0);  // a tick was there before
  CHECK(text.find_first_not_of('x', line) == line + size);
  text.erase(line, size + 1);
  const auto ticks = lines_of(text);
  CHECK(std::all_of(ticks.begin(), ticks.end(), [](auto& one) { return one == "tick"; }));
}

TEST_CASE("DISKFULL: output that its file cannot take is an error, not cut", "[cli]") {
  const NoDescendantLeft guard;
  const Words how =
      GENERATE(Words{}, Words{"-k"}, Words{"--tag"}, Words{"--lb"}, Words{"-k", "--lb"});
  CAPTURE(how);
  Words words{"pool", "-q", "-j2"};
  words.insert(words.end(), how.begin(), how.end());
  // The first shall have no part in it: with -k its output is not kept.
  words.insert(words.end(), {"sh", "-c", "[ $0 = 1 ] && exec sleep 60; head -c 3000000 /dev/zero",
                             ":::", "1", "2"});
  const Result result = run_procrun(words, with_file_limit(1'000'000));
  CHECK(result.out.empty());
  CHECK(result.err.find("File too large") != std::string::npos);
  CHECK(result.exited(125));
}

TEST_CASE("DISKFULL: output that waits for its turn and cannot be put aside is an error", "[cli]") {
  const NoDescendantLeft guard;
  // In one write, so that a job that is ended for it has written all or nothing.
  const std::string job = "[ $0 = 1 ] && exec sleep 60; exec dd if=/dev/zero bs=20000 count=1";
  Words words{"pool", "-q", "-k", "-j2", "sh", "-c", job, ":::"};
  for (int i = 1; i <= 200; ++i) words.push_back(std::to_string(i));
  const Result result = run_procrun(words, with_file_limit(100'000));
  CHECK(result.out.size() % 20000 == 0);  // of those that had ended, each whole
  CHECK(result.err.find("put output aside in a temporary file: File too large") !=
        std::string::npos);
  CHECK(result.exited(125));
}

TEST_CASE("DISKFULL: where TMPDIR is a full disk no output is cut", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string mounted = "mount -t tmpfs -o size=512k tmpfs \"$TMPDIR\" && ";
  const auto alone = [&](const Words& more) {
    Words words{"unshare", "-m", "sh", "-c", mounted + "exec \"$0\" \"$@\""};
    words.insert(words.end(), more.begin(), more.end());
    return run(words, plain({.env = {"TMPDIR=" + dir.path().string()}}));
  };
  if (alone({"true"}).status != 0) {
    WARN("skipped: no file system may be mounted here");
    return;
  }
  const Result fits = alone(program({"pool", "-q", "head -c 300000 /dev/zero #", ":::", "1"}));
  CHECK(fits.out.size() == 300000);
  CHECK(fits.exited(0));
  const Result full = alone(program({"pool", "-q", "head -c 3000000 /dev/zero #", ":::", "1"}));
  CHECK(full.out.empty());
  CHECK(full.err.find("No space left on device") != std::string::npos);
  CHECK(full.exited(125));
}

TEST_CASE("DISKFULL: a TMPDIR that is not there is an error before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_procrun({"pool", "-q", "touch", ":::", dir / "ran"}, {.env = {"TMPDIR=" + dir / "none"}});
  CHECK(result.err.find(dir / "none") != std::string::npos);
  CHECK(result.exited(125));
  CHECK_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_CASE("CLEANUP: whatever ends a pool, no file of its jobs' output is left", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "tmp");
  const int signal = GENERATE(SIGINT, SIGTERM, SIGKILL);
  CAPTURE(signal);
  auto running =
      start_procrun({"pool", "-q", "-j2", writes_and_waits("1000000"), ":::", "1", "2", "3"},
                    {.env = {"TMPDIR=" + dir / "tmp"}, .cwd = dir.path().string()});
  await(dir, 2);
  running.send(signal);
  CHECK(running.finish().signaled(signal));
  CHECK(std::filesystem::is_empty(dir / "tmp"));
}

TEST_CASE("SPCCHAR: a file is found by its name, whatever stands in it", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  std::string input;
  for (const std::string name :
       {"My brother's 12\" *** record  (costs $$$).jpg", "-n", "{}", " a\tb ", "\\", "`id`",
        "$(id)", "~", "!x", "#", "a\nb", "\xff\x01", "&;|<>", "%s"}) {
    write_file(dir / name, "<" + name + ">");
    input += name + '\0';
  }
  const Words command = GENERATE(Words{"cat", "--", "{}"}, Words{"cat", "--"}, Words{"cat -- {}"},
                                 Words{"cat -- {} | cat"}, Words{"cat -- {//}/{/}"});
  CAPTURE(command);
  Words words{"pool", "-q", "-k", "-0"};
  words.insert(words.end(), command.begin(), command.end());
  const Result result = run_procrun(words, {.input = input, .cwd = dir.path().string()});
  std::string expected;
  for (std::size_t at = 0; at < input.size();) {
    const std::string name = input.c_str() + at;
    expected += "<" + name + ">";
    at += name.size() + 1;
  }
  CHECK(result.out == expected);
  CHECK(result.exited(0));
}

TEST_CASE("COMPOSED: a command may be several, with pipes, tests and loops", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"pool", "-q", "-k", "echo foo; echo {} | tr a b && for i in 1 2; do echo $i {}; done",
       ":::", "a", "c d"});
  CHECK(result.out == "foo\nb\n1 a\n2 a\nfoo\nc d\n1 c d\n2 c d\n");
  CHECK(result.exited(0));
}

TEST_CASE("ONEREP: a placeholder may stand more than once, and within a word", "[cli]") {
  const NoDescendantLeft guard;
  const Words command =
      GENERATE(Words{"echo", "{}-{}", "{.}{.}", "{}"}, Words{"echo {}-{} {.}{.} {}"});
  CAPTURE(command);
  Words words{"pool", "-q", "-k"};
  words.insert(words.end(), command.begin(), command.end());
  words.insert(words.end(), {":::", "a.b", "c"});
  CHECK(run_procrun(words).out == "a.b-a.b aa a.b\nc-c cc c\n");
}

TEST_CASE("INPUTSIZE: a line may be as long as it likes, if what is run of it can be run",
          "[cli]") {
  const NoDescendantLeft guard;
  const std::string longest(131'071, 'x');
  CHECK((run_procrun({"pool", "-q", "echo"}, {.input = longest}).out == longest + "\n"));
  const Result result = run_procrun({"pool", "-q", "-k", "echo", "{.}"},
                                    {.input = "foo." + std::string(10'000'000, 'x') + "\nbar\n"});
  CHECK(result.out == "foo\nbar\n");
  CHECK(result.exited(0));
}

TEST_CASE("NUMWORDS: lines of many words come in and go out whole", "[cli]") {
  const NoDescendantLeft guard;
  std::string line;
  for (int i = 0; i < 8000; ++i) line += "bar ";
  std::string input;
  std::string expected;
  for (int i = 0; i < 100; ++i) {
    input += line + "\n";
    expected += std::to_string(i + 1) + "\t" + line + "\n";
  }
  const Result result =
      run_procrun({"pool", "-q", "-k", "--tagstring", "{#}", "echo"}, {.input = input});
  CHECK((result.out == expected));
  CHECK(result.exited(0));
}

TEST_CASE("ESCAPE: who leaves its job's session is ended with the job all the same", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_procrun({"pool", "-q", "-k", "--log-level=error", "sh", "-c",
                   "setsid setsid sh -c 'echo $$ >'$0'; exec sleep 60' >/dev/null 2>&1 & "
                   "while [ ! -s $0 ]; do sleep 0.01; done",
                   ":::", "1", "2"},
                  {.cwd = dir.path().string()});
  CHECK(result.exited(0));
  for (const char* name : {"1", "2"}) CHECK_FALSE(is_running(std::stoi(read_file(dir / name))));
}

TEST_CASE("ZOMBIE: orphans that end while their job runs are reaped then", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun(
      {"pool", "-q", "-j2",
       "for i in 1 2 3 4 5 6 7 8 9; do (true &); done; " + writes_and_waits("1"), ":::", "1", "2"},
      {.cwd = dir.path().string()});
  await(dir, 2);
  CHECK(eventually([&] { return zombies_below(running.pid()).empty(); }, seconds{2}));
  write_file(dir / "go", "");
  CHECK(running.finish().exited(0));
}

TEST_CASE("MASK: jobs have the signal mask and the ignored signals that procrun was given",
          "[cli]") {
  const NoDescendantLeft guard;
  const Options given{.in_child = [] {
    sigset_t some;
    ::sigemptyset(&some);
    for (const int signal : {SIGUSR1, SIGCHLD, SIGALRM}) ::sigaddset(&some, signal);
    ::sigprocmask(SIG_SETMASK, &some, nullptr);
    for (const int signal : {SIGPIPE, SIGUSR2, SIGQUIT}) ::signal(signal, SIG_IGN);
  }};
  const Words asks{"grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"};
  Words words{"pool", "-q"};
  words.insert(words.end(), asks.begin(), asks.end() - 1);
  words.insert(words.end(), {":::", asks.back()});
  const std::string direct = run(asks, given).out;
  CHECK(lines_of(direct).size() == 2);
  CHECK(run_procrun(words, given).out == direct);
}

}  // namespace procrun::test
