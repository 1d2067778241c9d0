// pool and GNU make's jobserver: never more jobs at once than it has places, and no token is lost.
#include <sys/stat.h>

#include <filesystem>

#include "program.h"

namespace procrun::test {
namespace {

enum class Form { Pipe, Fifo };

/// A jobserver as make's: three tokens that can be told apart, for four jobs at once.
class Make {
 public:
  explicit Make(Form form, const std::string& letters = "") {
    if (form == Form::Pipe) {
      REQUIRE(::pipe(ends_) == 0);
      address_ = std::to_string(ends_[0]) + "," + std::to_string(ends_[1]);
    } else {
      REQUIRE(::mkfifo((dir_ / "fifo").c_str(), 0600) == 0);
      for (int& end : ends_) end = ::open((dir_ / "fifo").c_str(), O_RDWR | O_CLOEXEC);
      address_ = "fifo:" + dir_ / "fifo";
    }
    REQUIRE(::write(ends_[1], "abc", 3) == 3);
    flags_ = "MAKEFLAGS=" + letters + " -j4 --jobserver-auth=" + address_;
  }
  ~Make() {
    for (const int end : ends_) ::close(end);
  }
  Make(const Make&) = delete;
  Make& operator=(const Make&) = delete;

  Options options() const { return {.env = {flags_}}; }
  int left() const {
    int count = 0;
    REQUIRE(::ioctl(ends_[0], FIONREAD, &count) == 0);
    return count;
  }
  /// The tokens that are there, in the order of the alphabet.
  std::string tokens() const {
    std::string tokens(static_cast<std::size_t>(left()), '\0');
    if (!tokens.empty()) REQUIRE(::read(ends_[0], tokens.data(), tokens.size()) > 0);
    std::sort(tokens.begin(), tokens.end());
    return tokens;
  }
  bool blocks() const {
    return ((::fcntl(ends_[0], F_GETFL) | ::fcntl(ends_[1], F_GETFL)) & O_NONBLOCK) == 0;
  }

 private:
  TempDir dir_;
  int ends_[2] = {-1, -1};
  std::string address_;
  std::string flags_;
};

/// A job that tells of its beginning and its end, so that the log never shows more at once than
/// there were.
std::string logged(const std::string& log, const std::string& command = "sleep 0.01") {
  return "echo + >>" + log + "; " + command + "; echo - >>" + log;
}

struct Course {
  int jobs = 0;
  int at_once = 0;
};

Course course_of(const std::string& log) {
  Course course;
  int running = 0;
  for (const auto& line : lines_of(read_file(log))) {
    running += line == "+" ? 1 : -1;
    if (line == "+") ++course.jobs;
    course.at_once = std::max(course.at_once, running);
  }
  CHECK(running == 0);
  return course;
}

Words items(int count) {
  Words words{":::"};
  for (int i = 1; i <= count; ++i) words.push_back(std::to_string(i));
  return words;
}

Words operator+(Words words, const Words& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

bool is_missing(const std::string& name) {
  const bool missing = run({"sh", "-c", "command -v " + name}).status != 0;
  if (missing) WARN(name << " is not installed: skipped");
  return missing;
}

/// Jobs that sleep, as many as there is leave for.
Words sleepers() { return Words{"pool", "-j8", "-u", "echo ready; exec sleep 60 #"} + items(8); }

void await_four(Running& running) {
  for (int i = 0; i < 4; ++i) running.read_until(Stream::Out, "ready\n");
}

/// Of procrun's, each is a worker, with a `sleep` below it.
pid_t a_child_of(pid_t parent) {
  for (const pid_t pid : descendants_of(parent)) {
    if (parent_of(pid) == parent) return pid;
  }
  return 0;
}

/// Two workers, one after the other. One of four has no token: of two, one at least had.
void lose_two_workers(Running& running, pid_t pool) {
  for (int i = 0; i < 2; ++i) {
    const pid_t worker = a_child_of(pool);
    REQUIRE(::kill(worker, SIGKILL) == 0);
    running.read_until(Stream::Err, "lost: its worker " + number(worker));
    running.read_until(Stream::Out, "ready\n");  // another job in its place
  }
}

/// From 1.13 on ninja is a client, of a fifo alone.
bool is_old_ninja() {
  if (is_missing("ninja")) return true;
  const bool old = matches(run({"ninja", "--version"}).out, "1\\.([0-9]|1[0-2])\\..*\n");
  if (old) WARN("ninja is older than 1.13: skipped");
  return old;
}

}  // namespace

TEST_CASE("TOKENS: below make, jobs fill the places of its jobserver and no more",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{GENERATE(Form::Pipe, Form::Fifo)};
  const TempDir dir;
  // The first four only end when they are four.
  const std::string meet = child("cli_meet") + " " + (dir / "met") + " 4";
  std::filesystem::create_directory(dir / "met");
  const auto result = run_procrun(
      Words{"pool", "-q", "-j8", logged(dir / "log", meet) + " #"} + items(40), make.options());
  CHECK(result.exited(0));
  CHECK(result.err.empty());
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 40);
  CHECK(course.at_once == 4);
  CHECK(make.blocks());
  CHECK(make.tokens() == "abc");
}

TEST_CASE("TOKENS: -j is an upper bound below make, too", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{Form::Fifo};
  const TempDir dir;
  const auto result = run_procrun(
      Words{"pool", "-q", "-j2", logged(dir / "log") + " #"} + items(20), make.options());
  CHECK(result.exited(0));
  CHECK(course_of(dir / "log").at_once <= 2);
  CHECK(make.tokens() == "abc");
}

TEST_CASE("TOKENS: without a free token a pool goes on one job at a time", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{Form::Fifo};
  const TempDir dir;
  REQUIRE(make.tokens() == "abc");  // others have them now
  const auto result = run_procrun(
      Words{"pool", "-q", "-j8", logged(dir / "log") + " #"} + items(10), make.options());
  CHECK(result.exited(0));
  CHECK(course_of(dir / "log").at_once == 1);
  CHECK(make.left() == 0);
}

TEST_CASE("TOKENS: all are back when a signal has ended the pool", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{GENERATE(Form::Pipe, Form::Fifo)};
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP);
  CAPTURE(signal);
  auto running = start_procrun(sleepers(), make.options());
  await_four(running);
  CHECK(make.left() == 0);
  running.send(signal);
  CHECK(running.finish().signaled(signal));
  CHECK(make.tokens() == "abc");
}

TEST_CASE("TOKENS: all are back when procrun was killed", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{GENERATE(Form::Pipe, Form::Fifo)};
  auto running = start_procrun(sleepers(), make.options());
  await_four(running);
  running.send(SIGKILL);
  CHECK(running.finish().signaled(SIGKILL));
  CHECK(eventually([&] { return make.left() == 3; }));
  CHECK(make.tokens() == "abc");
}

TEST_CASE("TOKENS, T24: a lost worker's token is given back", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{GENERATE(Form::Pipe, Form::Fifo)};
  auto running = start_procrun(sleepers(), make.options());
  await_four(running);
  lose_two_workers(running, running.pid());
  CHECK(make.left() == 0);
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
  CHECK(make.tokens() == "abc");
}

TEST_CASE("TOKENS: make counts its tokens over recipes that run pools", "[cli][jobserver]") {
  if (is_missing("make")) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string pool =
      std::string{kProcrun} + " pool -q -j8 '" + logged(dir / "log") + " #' ::: 1 2 3 4 5 6 7 8";
  write_file(dir / "Makefile", "all: a b c\na b c:\n\t+@" + pool + "\n");
  const auto result = run({"make", "-j4", "-C", dir.path()}, plain({}));
  CHECK(result.exited(0));
  CHECK(result.err.empty());  // "INTERNAL: Exiting with N jobserver tokens available"
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 24);
  CHECK(course.at_once <= 4);
}

TEST_CASE("TOKENS, T24: make finds no token missing, however a pool in its recipe ends",
          "[cli][jobserver]") {
  if (is_missing("make")) return;
  enum class Hit { Nobody, Workers, Pool, All };
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto [options, job, hit, signal] = GENERATE(table<std::string, std::string, Hit, int>({
      {"", "false", Hit::Nobody, 0},
      {"--halt now,fail=1", "test {} = 4 || exec sleep 60; exit 3", Hit::Nobody, 0},
      {"--timeout 50ms", "exec sleep 60", Hit::Nobody, 0},
      {"", "exec sleep 60", Hit::Workers, SIGTERM},
      {"", "exec sleep 60", Hit::Pool, SIGINT},
      {"", "exec sleep 60", Hit::Pool, SIGTERM},
      {"", "exec sleep 60", Hit::Pool, SIGKILL},
      {"", "exec sleep 60", Hit::All, SIGINT},
      {"", "exec sleep 60", Hit::All, SIGTERM},
  }));
  CAPTURE(options, job, signal);
  std::filesystem::create_directory(dir / "met");
  // The first four only go on when they are four, so that three tokens are out.
  const std::string meet = child("cli_meet") + " " + (dir / "met") + " 4";
  write_file(dir / "Makefile", std::string{"all:\n\t+@exec "} + kProcrun + " pool -j8 -u " +
                                   options + " 'echo ready; " + meet + "; " + job +
                                   "' ::: 1 2 3 4 5 6 7 8\n");
  auto running =
      start({"make", "-k", "-j4", "-C", dir.path()},
            plain({.env = {"LC_ALL=C"}, .in_child = [] { ::setpgid(0, 0); }}));  // a shell's job
  if (hit != Hit::Nobody) {
    await_four(running);
    const pid_t pool = a_child_of(running.pid());
    if (hit == Hit::Workers) lose_two_workers(running, pool);
    REQUIRE(::kill(hit == Hit::All ? -running.pid() : pool, signal) == 0);
  }
  const auto result = running.finish();
  CHECK((hit == Hit::All ? result.signaled(signal) : result.exited(2)));
  // "INTERNAL: Exiting with N jobserver tokens available; should be 4!"
  CHECK(result.err.find("tokens") == std::string::npos);
}

TEST_CASE("TOKENS: a recipe that make does not take for a make is told what to do",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Options options{
      .env = {"MAKEFLAGS= -j4 --jobserver-auth=" +
              GENERATE(std::string{"998,999"}, std::string{"-2,-2"},
                       std::string{"3,4 --jobserver-auth=-2,-2"})}};  // the last as of make 4.4
  const auto result =
      run_procrun(Words{"pool", "-q", logged(dir / "log") + " #"} + items(6), options);
  CHECK(result.exited(0));
  CHECK(
      matches(result.err,
              "procrun: pool: warning: make's jobserver is out of reach \\(.+\\), so jobs run one "
              "at a time: begin the recipe's line with '\\+'\n"));
  CHECK(course_of(dir / "log").at_once == 1);
}

TEST_CASE("TOKENS: a jobserver whose make has ended is told of as such", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const auto result = run_procrun({"pool", "-q", "-j2", "true", ":::", "1"},
                                  {.env = {"MAKEFLAGS= -j4 --jobserver-auth=fifo:/no/fifo"}});
  CHECK(result.exited(0));
  CHECK(result.err ==
        "procrun: pool: warning: make's jobserver is out of reach (/no/fifo: No such file or "
        "directory), so -j2 holds for this pool alone: unset MAKEFLAGS if that make has ended\n");
}

TEST_CASE("TOKENS: a pool with a jobserver of its own says that make's is out of reach",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const auto result = run_procrun(
      {"pool", "-q", "--jobserver", "-j3", "test -p ${MAKEFLAGS##*fifo:} #", ":::", "1"},
      {.env = {"MAKEFLAGS= -j4 --jobserver-auth=-2,-2"}});
  CHECK(result.exited(0));
  CHECK(result.err ==
        "procrun: pool: warning: make's jobserver is out of reach (make has turned it off for us), "
        "so -j3 holds for this pool alone: begin the recipe's line with '+'\n");
}

TEST_CASE("pool below make -n only shows its commands", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{Form::Fifo, "kn"};
  const TempDir dir;
  const auto result = run_procrun({"pool", "touch", ":::", dir / "a"}, make.options());
  CHECK(result.exited(0));
  CHECK(result.out == "touch " + (dir / "a") + "\n");
  CHECK_FALSE(std::filesystem::exists(dir / "a"));
}

TEST_CASE("TOKENS: a pool's own jobserver holds for the makes below it", "[cli][jobserver]") {
  if (is_missing("make")) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "tmp");
  write_file(dir / "Makefile", "all: 1 2 3 4 5\n1 2 3 4 5:\n\t@" + logged(dir / "log") + "\n");
  const auto result = run_procrun(Words{"pool", "-q", "--jobserver", "-j4", "make", "-C",
                                        dir.path(), "-s", "-k", "all", "X={}"} +
                                      items(8),
                                  {.env = {"TMPDIR=" + dir / "tmp"}});
  CHECK(result.exited(0));
  CHECK(result.err.empty());
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 40);
  CHECK(course.at_once <= 4);
  CHECK(std::filesystem::is_empty(dir / "tmp"));
}

TEST_CASE("TOKENS: a make below a pool's own jobserver takes the places that are free",
          "[cli][jobserver]") {
  if (is_missing("make")) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "met");
  // One make of four targets, which only end when they are four.
  const std::string meet = child("cli_meet") + " " + (dir / "met") + " 4";
  write_file(dir / "Makefile", "all: 1 2 3 4\n1 2 3 4:\n\t@" + meet + "\n");
  const auto result =
      run_procrun({"pool", "-q", "--jobserver", "-j4", "make -s -C", ":::", dir.path()});
  CHECK(result.exited(0));
}

TEST_CASE("TOKENS: ninjas and makes below a pool's own jobserver fill its places and no more",
          "[cli][jobserver]") {
  if (is_missing("make") || is_old_ninja()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "met");
  // The first four only end when they are four.
  const std::string leaf = logged(dir / "log", child("cli_meet") + " " + (dir / "met") + " 4");
  write_file(dir / "Makefile", "all: 1 2 3 4 5\n1 2 3 4 5:\n\t@" + leaf + "\n");
  std::string build = "rule leaf\n  command = " + leaf + "\n";
  for (const char* target : {"1", "2", "3", "4", "5"}) {
    build += std::string{"build "} + target + ": leaf\n";
  }
  for (const char* name : {"a", "b", "c", "d"}) {
    std::filesystem::create_directory(dir / name);
    write_file((dir / name) + "/build.ninja", build);
  }
  const std::string ninja = "ninja --quiet -C " + dir.path().string() + "/";
  const std::string make = "make -s -C " + dir.path().string() + " X=";
  const auto result =
      run_procrun({"pool", "-q", "--jobserver", "-j4", ":::", ninja + "a", make + "1", ninja + "b",
                   make + "2", ninja + "c", make + "3", ninja + "d", make + "4"});
  CHECK(result.exited(0));
  CHECK(result.err.empty());  // no token is missing
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 40);
  CHECK(course.at_once == 4);
}

TEST_CASE("TOKENS: clients of the fifo, as make 4.4 is one, share a pool's places",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto result = run_procrun(
      Words{"pool", "-q", "--jobserver", "-j4", child("cli_make"), "5", logged(dir / "log")} +
      items(8));
  CHECK(result.exited(0));
  CHECK(result.err.empty());  // no token is missing
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 40);
  CHECK(course.at_once <= 4);
}

TEST_CASE("TOKENS: a client of the fifo takes the places that are free", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  std::filesystem::create_directory(dir / "met");
  // The four only end when they are four.
  const std::string meet = child("cli_meet") + " " + (dir / "met") + " 4";
  const auto result =
      run_procrun({"pool", "-q", "--jobserver", "-j4", child("cli_make"), "4", meet, ":::", "1"});
  CHECK(result.exited(0));
  CHECK(result.err.empty());
}

TEST_CASE("TOKENS: jobs find a pool's own jobserver by pipe and by fifo, close-fds or not",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const bool close_fds = GENERATE(false, true);
  Words words{"pool", "-q", "--jobserver", "-j3"};
  if (close_fds) words.emplace_back("--close-fds");
  const auto result =
      run_procrun(words + Words{"echo $MAKEFLAGS; f=${MAKEFLAGS##*fifo:}; test -p $f && "
                                "a=${MAKEFLAGS#*auth=}; a=${a%% *}; test -p /dev/fd/${a%,*} && "
                                "test -p /dev/fd/${a#*,} && echo both #",
                                ":::", "1"},
                  {.env = {"MAKEFLAGS=k -j7 -- A=b"}});
  CHECK(result.exited(0));
  CHECK(matches(result.out,
                "k -j3 --jobserver-auth=\\d+,\\d+ -- A=b --jobserver-auth=fifo:\\S+\nboth\n"));
}

TEST_CASE("TOKENS: a pool below a pool's jobserver is its client", "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string inner =
      std::string{kProcrun} + " pool -q -j4 '" + logged(dir / "log") + " #' ::: 1 2 3 4 #";
  const auto result = run_procrun(Words{"pool", "-q", "--jobserver", "-j3", inner} + items(6));
  CHECK(result.exited(0));
  CHECK(result.err.empty());
  const Course course = course_of(dir / "log");
  CHECK(course.jobs == 24);
  CHECK(course.at_once <= 3);
}

TEST_CASE("TOKENS: a pool says how many tokens its jobs kept, and has them again",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  // Each takes both and gives none back; the next could not take them if they were not made up for.
  const auto result = run_procrun({"pool", "-q", "--jobserver", "-j3",
                                   "head -c 1 <${MAKEFLAGS##*fifo:} >/dev/null; "
                                   "head -c 1 <${MAKEFLAGS##*fifo:} >/dev/null #",
                                   ":::", "1"});
  CHECK(result.exited(0));
  CHECK(result.err ==
        "procrun: pool: warning: jobs have not given back 2 of the jobserver's tokens\n");
}

TEST_CASE("TOKENS: nothing is left of a pool's own jobserver, however the pool ends",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const int signal = GENERATE(SIGINT, SIGTERM, SIGKILL);
  CAPTURE(signal);
  auto running =
      start_procrun(Words{"pool", "--jobserver", "-j4", "-u", "echo ready; sleep 60 #"} + items(8),
                    {.env = {"TMPDIR=" + dir.path().string()}});
  await_four(running);
  CHECK_FALSE(std::filesystem::is_empty(dir.path()));
  running.send(signal);
  CHECK(running.finish().signaled(signal));
  CHECK(eventually([&] { return std::filesystem::is_empty(dir.path()); }));
}

TEST_CASE("TOKENS: below make, a pool that is to have a jobserver uses make's",
          "[cli][jobserver]") {
  const NoDescendantLeft guard;
  const Make make{Form::Fifo};
  const auto result =
      run_procrun({"pool", "-q", "--jobserver", "echo $MAKEFLAGS #", ":::", "1"}, make.options());
  CHECK(result.exited(0));
  CHECK("MAKEFLAGS= " + result.out.substr(0, result.out.size() - 1) == make.options().env[0]);
  CHECK(make.tokens() == "abc");
}

}  // namespace procrun::test
