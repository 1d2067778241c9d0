// fork as a tool: one job of a name at a time, its pidfile, and where and as whom it runs.
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "background.h"

namespace procrun::test {
namespace {

bool exists(const std::string& path) { return std::filesystem::exists(path); }

/// The sum of the lines of /proc/PID/smaps_rollup that begin with Private, KiB.
long private_memory(pid_t pid) {
  long sum = 0;
  for (const std::string& line : lines_of(read_file("/proc/" + number(pid) + "/smaps_rollup"))) {
    if (line.starts_with("Private_")) sum += std::stol(line.substr(line.find(':') + 1));
  }
  return sum;
}

}  // namespace

TEST_CASE("a second job of the same name is not started: 1, or 0 with --oknodo", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  Background web{state.fork({"--name", "web", "--", "sleep", "60"})};
  const std::string running = "web runs already: process " + number(web.pid()) + "\n";
  const Words second{"--name", "web", "-o", dir / "out", "--", "touch", dir / "began"};
  Result result = state.fork(second);
  CHECK(result.exited(1));
  CHECK(result.out == "");
  CHECK(result.err == "procrun: fork: " + running);
  CHECK_FALSE(exists(dir / "out"));
  Words oknodo = second;
  oknodo.insert(oknodo.begin(), "--oknodo");
  result = state.fork(oknodo);
  CHECK(result.exited(0));
  CHECK(result.out == number(web.pid()) + "\n");
  CHECK(result.err == "");
  const Background db{state.fork({"--name", "db", "--", "sleep", "60"})};
  web.end();
  const Background again{state.fork({"--name", "web", "--", "sleep", "60"})};
  CHECK_FALSE(exists(dir / "began"));
}

TEST_CASE("a job whose supervisor was killed runs on, and its name stays taken", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Words words{"--name", "web", "-p", dir / "web.pid", "--", "sleep", "60"};
  Background web{state.fork(words)};
  web.lose_supervisor();
  CHECK(is_running(web.pid()));
  CHECK(state.fork(words).exited(1));
  CHECK(state.fork({"-p", dir / "web.pid", "--", "sleep", "60"}).exited(1));
  CHECK(state.job("web")["state"] == "running");
  ::kill(web.pid(), SIGKILL);
  reap(web.pid());
  CHECK(state.job("web")["state"] == "unknown");
  CHECK(state.job("web")["code"].is_null());
  CHECK(state.job("web")["signal"].is_null());
  const Background again{state.fork(words)};
  CHECK(read_file(dir / "web.pid") == number(again.pid()) + "\n");
}

TEST_CASE("of many starts of one name at once exactly one starts", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  std::vector<std::string> lines;
  const std::string start = std::string{kProcrun} + " fork -q --name web -p web.pid -- " +
                            "sh -c 'echo x >> began; exec sleep 60' & ";
  const Result result = run({"sh", "-c", start + start + start + start + "wait"},
                            state.options({.cwd = dir.path().string()}));
  CHECK(lines_of(result.out).size() == 1);
  CHECK(lines_of(result.err).size() == 3);
  const Background web{Result{.out = result.out}};
  CHECK(read_file(dir / "web.pid") == result.out);
  CHECK(eventually([&] { return read_file(dir / "began") == "x\n"; }));
}

TEST_CASE("a name that is none is refused with the form of one", "[cli]") {
  const State state;
  for (const char* name : {"", "4711", "a/b", "-x"}) {
    const Result result = state.fork({std::string{"--name="} + name, "--", "true"});
    CHECK(result.exited(125));
    CHECK(result.err.starts_with("procrun: fork: --name: a job's name is made of"));
  }
  CHECK_FALSE(exists(state.path));
}

TEST_CASE("a pidfile holds the pid while the command runs, is locked, and goes with it", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const std::string path = dir / "web.pid";
  write_file(path, "4194304\n");  // of one that was killed
  Background web{state.fork({"-p", "web.pid", "--", "sleep", "60"}, {.cwd = dir.path().string()})};
  CHECK(read_file(path) == number(web.pid()) + "\n");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  CHECK(::flock(fd, LOCK_EX | LOCK_NB) == -1);
  ::close(fd);
  const Result result = state.fork({"--pidfile", path, "--", "sleep", "60"});
  CHECK(result.exited(1));
  CHECK(result.err ==
        "procrun: fork: the job of " + path + " runs already: process " + number(web.pid()) + "\n");
  CHECK(state.fork({"--oknodo", "--pidfile", path, "--", "sleep", "60"}).exited(0));
  web.end();
  CHECK(names_in(dir.path()).empty());
}

TEST_CASE("a command that cannot run leaves no pidfile, no lock and no name", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const auto fails = [&](Words words, int code) {
    words.insert(words.begin(), {"--name", "web", "-p", dir / "web.pid"});
    CHECK(state.fork(words).exited(code));
    reap_all();
    CHECK(names_in(dir.path()).empty());
    CHECK(state.job("web").is_null());
  };
  fails({"no-such-program"}, 127);
  fails({"-o", "/nonexistent/log", "--", "true"}, 125);
  fails({"-C", "/nonexistent", "--", "true"}, 125);
  const Background web{state.fork({"--name", "web", "-p", dir / "web.pid", "sleep", "60"})};
}

TEST_CASE("fork's command runs where and as it is told", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const auto output_of = [&](Words words, const std::string& line) {
    words.insert(words.begin(), {"-o", dir / "out"});
    words.insert(words.end(), {"--", "/bin/sh", "-c", line});
    const Result result = state.fork(words, {.env = {"GIVEN=1"}});
    CHECK(result.err == "");
    CHECK(result.exited(0));
    reap_all();
    return read_file(dir / "out");
  };
  CHECK(output_of({"-C", "/usr"}, "pwd") == "/usr\n");
  CHECK(output_of({"--env", "A=1", "--env", "B=x y"}, "echo $A,$B,$GIVEN") == "1,x y,1\n");
  CHECK(output_of({"--unset", "GIVEN"}, "echo ${GIVEN-unset}") == "unset\n");
  CHECK(output_of({"--clear-env", "--env", "A=1"}, "echo $A ${GIVEN-unset}") == "1 unset\n");
  CHECK(output_of({"--umask", "027"}, "umask") == "0027\n");
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  CHECK(output_of({"--nice", "3"}, "nice") == std::to_string(std::min(nice + 3, 19)) + "\n");
  if (::geteuid() == 0) CHECK(output_of({"--user", "65534"}, "id -u") == "65534\n");
}

TEST_CASE("fork --inherit-stdio leaves the command ours, and the supervisor none of them",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  Result result = state.fork({"--inherit-stdio", "--", "sh", "-c", "cat; echo err >&2"},
                             {.input = "from stdin\n"});
  CHECK(result.exited(0));
  CHECK(sorted(lines_of(result.out)).size() == 2);
  CHECK(sorted(lines_of(result.out))[1] == "from stdin");
  CHECK(result.err == "err\n");
  reap_all();
  CHECK(state.logs().empty());
  // The end of the pipe, which run() waits for, comes when the command lets go of it.
  const std::string line = "echo out; exec sleep 60 >/dev/null 2>&1 </dev/null";
  result = state.fork({"--inherit-stdio", "-e", dir / "err", "--", "sh", "-c", line});
  const Lines lines = sorted(lines_of(result.out));
  REQUIRE(lines.size() == 2);
  const Background background{Result{.out = lines[0] + "\n"}};
  CHECK(exists(dir / "err"));
}

TEST_CASE("fork --die-with-parent ends the job, its whole tree, when the caller is gone", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const std::string line = std::string{kProcrun} + " fork -q --die-with-parent -o out -- " +
                           child("cli_tree") + "; echo started; read wait";
  auto shell = start({"sh", "-c", line},
                     state.options({.cwd = dir.path().string(), .keep_stdin_open = true}));
  const std::string out = shell.read_until(Stream::Out, "started\n");
  const Background job{Result{.out = out.substr(0, out.find('\n') + 1)}};
  REQUIRE(eventually([&] { return read_file(dir / "out") == "ready\n"; }));
  CHECK(is_running(job.pid()));
  shell.send(SIGKILL);
  shell.finish();
  CHECK(eventually([&] { return descendants_of(::getpid()).empty(); }));
  CHECK(state.job(number(job.pid()))["signal"] == SIGTERM);
}

TEST_CASE("fork's supervisor has at most one mebibyte of memory of its own", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const bool records = GENERATE(false, true);
  CAPTURE(records);
  Words words{"--name", "web"};
  if (records) {
    words.insert(words.end(), {"--events", state.dir / "e", "--timeline=" + state.dir / "p.svg"});
  }
  words.insert(words.end(), {"--", "sleep", "60"});
  const Background job{state.fork(words)};
  // It tidies up after it has told us the pid.
  CHECK(eventually([&] { return kSanitized || private_memory(job.supervisor()) <= 1024; }));
  CHECK(private_memory(job.supervisor()) > 0);
}

TEST_CASE("an option of fork that would do nothing is refused", "[cli]") {
  const State state;
  const auto refused = [&](const Words& words, const std::string& why) {
    const Result result = state.fork(words);
    CHECK(result.exited(125));
    CHECK(result.err == "procrun: fork: " + why + "\n");
  };
  refused({"--append", "true"}, "--append needs --stdout or --stderr");
  refused({"--oknodo", "true"}, "--oknodo needs --name, --pidfile or --stop");
  refused({"--ready-timeout", "1s", "true"}, "--ready-timeout needs --ready");
  refused({"--json", "true"}, "--json needs --list");
  refused({"--follow", "true"}, "--follow needs --logs");
  refused({"--list", "true"}, "--list takes no COMMAND");
  refused({"--list", "--name", "web"}, "--name has no meaning with --list");
  refused({"--list", "--stop", "web"}, "--stop has no meaning with --list");
  const std::string picture =
      "the terminal's picture comes when all is over, and fork does not stay for that: say "
      "--timeline=FILE.svg";
  refused({"--timeline", "true"}, picture);
  refused({"--ascii", "true"}, picture);
  refused({"--list", "--events", "e"}, "--events has no meaning with --list");
  refused({"--stop", "web", "--timeline=p.svg"}, "--timeline has no meaning with --stop");
  refused({"--logs", "web", "--timeline"}, "--timeline has no meaning with --logs");
  refused({"--stop", "web", "--logs", "web"}, "--logs has no meaning with --stop");
  refused({"--logs", "web", "--json"}, "--json has no meaning with --logs");
  refused({"--stop", "web", "--term-seq", "TERM"},
          "--term-seq: 'TERM' does not end with KILL, the one signal that works on all "
          "(TERM,10s,KILL)");
}

}  // namespace procrun::test
