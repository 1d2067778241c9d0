// fork as a tool: lets a command go, and watches over it from the background.
#include <sys/stat.h>

#include "background.h"

namespace procrun::test {
namespace {

std::string link_of(pid_t pid, int fd) {
  std::error_code error;
  return std::filesystem::read_symlink("/proc/" + number(pid) + "/fd/" + std::to_string(fd), error)
      .string();
}

unsigned mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

}  // namespace

TEST_CASE("fork prints exactly the pid of the command, which runs on", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = run_procrun({"fork", "-q", "--", "sleep", "60"}, state.options());
  CHECK(result.err == "");
  const Background background{result};
  // The kernel lets the parent go on a moment before it shows the new arguments.
  const std::string words{
      "sleep\0"
      "60\0",
      9};
  CHECK(eventually(
      [&] { return read_file("/proc/" + number(background.pid()) + "/cmdline") == words; }));
  CHECK(is_running(background.pid()));
}

TEST_CASE("fork tells its story on stderr: the line of its lesson", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = run_procrun({"fork", "--", "sleep", "60"}, state.options());
  const Background background{result};
  CHECK(result.err == "Parent process ret=" + number(background.pid()) + "\n");
}

TEST_CASE("a shell that captures fork's output, or pipes it on, goes on at once", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string fork = std::string{kProcrun} + " fork -q -- sleep 60";
  const std::string line = GENERATE_COPY("pid=$(" + fork + "); echo $pid", fork + " | cat",
                                         fork + " 2>&1 | cat", "echo $(" + fork + " 2>&1)");
  CAPTURE(line);
  const auto begin = Clock::now();
  const Background background{run({"sh", "-c", line}, state.options())};
  CHECK(Clock::now() - begin < seconds{10});
  CHECK(is_running(background.pid()));
}

TEST_CASE("fork tells at once of a command that cannot run, and leaves nothing", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  write_file(dir / "plain", "no program\n");
  const auto fails = [&](const std::string& command, const std::string& why, int code) {
    const Result result = run_procrun({"fork", "--", command}, state.options());
    CHECK(result.out == "");
    CHECK(result.err == "procrun: fork: cannot execute " + command + ": " + why + "\n");
    CHECK(result.exited(code));
  };
  fails("no-such-program-at-all", "No such file or directory", 127);
  fails(dir / "plain", "Permission denied", 126);
  const Result empty = run_procrun({"fork", "--", ""}, state.options());
  CHECK(empty.err == "procrun: fork: cannot execute '': No such file or directory\n");
  CHECK(names_in(state.path).empty());
}

TEST_CASE("fork's command has a session of its own and an empty stdin", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Background background{run_procrun({"fork", "-q", "--", "sleep", "60"}, state.options())};
  CHECK(::getsid(background.pid()) == background.pid());
  CHECK(::getpgid(background.pid()) == background.pid());
  CHECK(::getsid(background.supervisor()) != ::getsid(0));
  CHECK(link_of(background.pid(), 0) == "/dev/null");
  CHECK(link_of(background.supervisor(), 0) == "/dev/null");
}

TEST_CASE("fork's command gets nothing of the caller's descriptors", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Result result = run_procrun({"fork", "-q", "-o", dir / "out", "--", child("cli_fds")},
                                    state.options({.in_child = [] {
                                      ::dup2(1, 77);
                                      ::dup2(1, 3);
                                    }}));
  CHECK(result.exited(0));
  reap_all();
  CHECK(read_file(dir / "out") == "0 1 2 \n");
}

TEST_CASE("fork's supervisor holds nothing of the caller's descriptors", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const int end = ends[1];
  const Background background{
      run_procrun({"fork", "-q", "--", "sleep", "60"}, state.options({.in_child = [end] {
        for (const int fd : {3, 4, 5, 77}) ::dup2(end, fd);
      }}))};
  ::close(ends[1]);
  CHECK(read_all(ends[0]) == "");  // its end means that nobody has the other one
  ::close(ends[0]);
  CHECK(is_running(background.pid()));
}

TEST_CASE("fork's output goes to a new log in the state directory, for us alone", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = run_procrun({"fork", "-q", "echo out; echo err >&2"}, state.options());
  CHECK(result.exited(0));
  reap_all();
  CHECK(mode_of(state.path) == 0700);
  const auto logs = state.logs();
  REQUIRE(logs.size() == 1);
  CHECK(read_file(logs[0]) == "out\nerr\n");
  CHECK(mode_of(logs[0]) == 0600);
  // Each has its own, also within one second.
  CHECK(run_procrun({"fork", "-q", "echo b;"}, state.options()).exited(0));
  reap_all();
  CHECK(state.logs().size() == 2);
}

TEST_CASE("fork -v names the log", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = run_procrun({"fork", "-v", "true"}, state.options());
  reap_all();
  const auto logs = state.logs();
  REQUIRE(logs.size() == 1);
  CHECK(result.err.find(logs[0]) != std::string::npos);
}

TEST_CASE("fork's output goes where -o and -e say", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  write_file(dir / "out", "of an earlier run\n");
  const auto go = [&](const Words& where) {
    Words words{"fork", "-q"};
    words.insert(words.end(), where.begin(), where.end());
    words.insert(words.end(), {"--", "sh", "-c", "echo out; echo err >&2"});
    CHECK(run_procrun(words, state.options({.cwd = dir.path().string()})).exited(0));
    reap_all();
  };
  go({"-o", "out"});
  CHECK(read_file(dir / "out") == "out\nerr\n");
  go({"--stdout=out", "--stderr", dir / "err"});
  CHECK(read_file(dir / "out") == "out\n");
  CHECK(read_file(dir / "err") == "err\n");
  go({"-o", "out", "-e", "err", "--append"});
  CHECK(read_file(dir / "out") == "out\nout\n");
  CHECK(read_file(dir / "err") == "err\nerr\n");
  go({"-o", "out", "-e", "out"});
  CHECK(read_file(dir / "out") == "out\nerr\n");
  CHECK(state.logs().empty());  // nobody needed one
}

TEST_CASE("fork starts nothing where its output could not go", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Result result = run_procrun(
      {"fork", "-o", "/nonexistent/log", "--", "touch", dir / "began"}, state.options());
  CHECK(result.out == "");
  CHECK(lines_of(result.err).size() == 1);
  CHECK(result.err.starts_with("procrun: fork: "));
  CHECK(result.err.ends_with("/nonexistent/log: No such file or directory\n"));
  CHECK(result.exited(125));
  reap_all();
  CHECK_FALSE(std::filesystem::exists(dir / "began"));
}

TEST_CASE("the state directory is found as the environment says", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto check = [&](const Options& options, const std::string& path) {
    CHECK(run_procrun({"fork", "-q", "true"}, options).exited(0));
    reap_all();
    CAPTURE(path);
    REQUIRE(std::filesystem::is_directory(path));
    CHECK(mode_of(path) == 0700);
    CHECK(names_in(path, ".log").size() == 1);
  };
  const std::string home = "HOME=" + (dir / "home");
  const std::string xdg = "XDG_STATE_HOME=" + (dir / "xdg");
  check({.env = {home, xdg, "PROCRUN_STATE_DIR=" + (dir / "own")}}, dir / "own");
  check({.env = {home, xdg}, .unset = {"PROCRUN_STATE_DIR"}}, dir / "xdg/procrun");
  REQUIRE(::mkdir((dir / "home").c_str(), 0700) == 0);
  check({.env = {home}, .unset = {"PROCRUN_STATE_DIR", "XDG_STATE_HOME"}},
        dir / "home/.local/state/procrun");
}

TEST_CASE("the state directory is in /tmp for who has no home, or one that is not there", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string path = "/tmp/procrun-" + std::to_string(::getuid());
  const bool has_home = GENERATE(false, true);
  Options options{.unset = {"PROCRUN_STATE_DIR", "XDG_STATE_HOME"}};
  (has_home ? options.env : options.unset).push_back(has_home ? "HOME=" + (dir / "none") : "HOME");
  const Result result = run_procrun({"fork", "--list"}, options);
  CHECK(result.err == "");
  CHECK(result.exited(0));
  CHECK(mode_of(path) == 0700);  // and it stays: another run of the tests may be at it
  CHECK(names_in(dir.path()).empty());
}

TEST_CASE("a state directory that others may use is refused, and nothing is started", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string path = dir / "state";
  const auto refused = [&] {
    const Result result =
        run_procrun({"fork", "--", "touch", dir / "began"}, {.env = {"PROCRUN_STATE_DIR=" + path}});
    CHECK(result.out == "");
    CHECK(lines_of(result.err).size() == 1);
    CHECK(result.err.starts_with("procrun: fork: the state directory " + path));
    CHECK(result.exited(125));
    reap_all();
    CHECK_FALSE(std::filesystem::exists(dir / "began"));
  };
  SECTION("its mode lets others in") {
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    REQUIRE(::chmod(path.c_str(), 0755) == 0);
    refused();
  }
  SECTION("it is a link to elsewhere") {
    REQUIRE(::mkdir((dir / "elsewhere").c_str(), 0700) == 0);
    std::filesystem::create_directory_symlink(dir / "elsewhere", path);
    refused();
    CHECK(std::filesystem::is_empty(dir / "elsewhere"));
  }
  SECTION("it is a file") {
    write_file(path, "");
    refused();
  }
  SECTION("it is another user's") {
    if (::geteuid() != 0) {
      WARN("skipped: only root can make a directory another user's");
      return;
    }
    REQUIRE(::mkdir(path.c_str(), 0700) == 0);
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    refused();
  }
}

TEST_CASE("TERM to fork's supervisor ends the whole tree", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  Background background{
      run_procrun({"fork", "-q", "-o", dir / "out", "--", child("cli_tree")}, state.options())};
  REQUIRE(eventually([&] { return read_file(dir / "out") == "ready\n"; }));
  CHECK(descendants_of(background.supervisor()).size() == 4);
  background.end();
  CHECK_FALSE(is_running(background.pid()));
}

TEST_CASE("fork's command outlives who started it, and its terminal", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  std::optional<Background> background;
  {
    Terminal terminal;
    auto running = start_procrun({"fork", "-q", "-o", "/dev/null", "--", "sleep", "60"},
                                 state.options(on_terminal(terminal)));
    terminal.close_slave();
    Result result = running.finish();
    result.out = terminal.read_rest();  // it ends: nobody has the terminal open
    background.emplace(result);
  }
  // The terminal is gone: a hangup would have been sent by now.
  CHECK(is_running(background->pid()));
  CHECK(is_running(background->supervisor()));
}

TEST_CASE("fork's supervisor reaps what the command leaves behind, and stays until then", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Background background{run_procrun(
      {"fork", "-q", "-o", dir / "out", "--", child("cli_tree"), "leave"}, state.options())};
  REQUIRE(
      eventually([&] { return !std::filesystem::exists("/proc/" + number(background.pid())); }));
  CHECK(is_running(background.supervisor()));
  // A process between that orphaned one of them may be on its way out.
  CHECK(eventually([&] { return descendants_of(background.supervisor()).size() == 3; }));
}

}  // namespace procrun::test
