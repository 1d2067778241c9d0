// fork --ready: returns when the service is ready, and says so when it will never be.
#include <sys/stat.h>

#include "background.h"

namespace procrun::test {
namespace {

std::string text_of(int number) { return std::to_string(number); }

}  // namespace

TEST_CASE("fork --ready port returns when the service answers", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string port = text_of(free_port());
  const std::string host = GENERATE(as<std::string>{}, "", "127.0.0.1:", "localhost:");
  const std::string rule = "port:" + host + port;
  const Background web{state.fork({"--ready", rule, "--", child("serve"), "port", port})};
  CHECK(ask(std::stoi(port)) == "hello\n");
}

TEST_CASE("fork --ready port waits for a daemon whose parent has ended well", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string port = text_of(free_port());
  const Background web{state.fork({"--ready", "port:" + port, "--", child("serve"), "fork", port})};
  CHECK(ask(std::stoi(port)) == "hello\n");
}

TEST_CASE("fork --ready port starts nothing where somebody else answers already", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const std::string port = text_of(free_port());
  const Background other{state.fork({"--ready", "port:" + port, child("serve"), "port", port})};
  const Result result = state.fork({"--name", "web", "-p", dir / "pid", "--ready", "port:" + port,
                                    "--", "touch", dir / "began"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: fork: port " + port +
                          " of localhost answers already, before the command is started\n");
  CHECK(names_in(dir.path()).empty());
}

TEST_CASE("fork --ready line waits for a line of the log, of either stream", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "go").c_str(), 0600) == 0);
  write_file(dir / "err", "ready in an earlier run\n");
  const std::string line = "echo not yet >&2; read x < " + (dir / "go") +
                           "; printf 'now rea' >&2; echo dy >&2; exec sleep 60";
  auto running = start_procrun({"fork", "-q", "--ready", "line:^now ready$", "-e", dir / "err",
                                "--append", "--", "sh", "-c", line},
                               state.options());
  REQUIRE(eventually([&] { return read_file(dir / "err").ends_with("not yet\n"); }));
  CHECK(is_running(running.pid()));
  const int go = ::open((dir / "go").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::write(go, "x\n", 2) == 2);
  ::close(go);
  const Background web{running.finish()};
}

TEST_CASE("fork --ready line is refused where there is no log to read", "[cli]") {
  const State state;
  Result result = state.fork({"--ready", "line:x", "--inherit-stdio", "true"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: fork: --ready line: the output goes to no file of ours\n");
  result = state.fork({"--ready", "line:x", "-o", "/dev/null", "true"});
  CHECK(result.exited(125));
}

TEST_CASE("fork --ready file waits for the file, and is not content with an old one", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const bool old = GENERATE(false, true);
  if (old) write_file(dir / "file", "of an earlier run");
  REQUIRE(::mkfifo((dir / "go").c_str(), 0600) == 0);
  const std::string line =
      "read x < " + (dir / "go") + "; echo new > " + (dir / "file") + "; exec sleep 60";
  auto running = start_procrun(
      {"fork", "-q", "--ready", "file:" + (dir / "file"), "--", "sh", "-c", line}, state.options());
  const int go = ::open((dir / "go").c_str(), O_WRONLY | O_CLOEXEC);
  CHECK(is_running(running.pid()));
  REQUIRE(::write(go, "x\n", 2) == 2);
  ::close(go);
  const Background web{running.finish()};
  CHECK(read_file(dir / "file") == "new\n");
}

TEST_CASE("fork --ready cmd asks again until the line succeeds", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const std::string check =
      "echo x >> " + (dir / "asked") + "; test $(wc -l < " + (dir / "asked") + ") -ge 3";
  const Background web{state.fork({"--ready", "cmd:" + check, "--", "sleep", "60"})};
  CHECK(read_file(dir / "asked") == "x\nx\nx\n");
}

TEST_CASE("fork --ready cmd leaves no check behind when the time is up", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = state.fork(
      {"--ready-timeout", "200ms", "--ready", "cmd:sleep 60; true", "--", "sleep", "60"});
  CHECK(result.exited(124));
  reap_all();
  CHECK(descendants_of(::getpid()).empty());
}

TEST_CASE("fork --ready notify waits for READY=1 over NOTIFY_SOCKET", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  SECTION("by itself") {
    const Background web{state.fork(
        {"--ready", "notify", "--", child("serve"), "notify", "STATUS=up\\nREADY=1\\n"})};
  }
  SECTION("from a process below it, as another user") {
    if (::geteuid() != 0) return;
    const Background web{state.fork(
        {"--ready", "notify", "--user", "65534", "--", child("serve"), "notify", "READY=1"})};
  }
  SECTION("what else it says is no readiness") {
    const Result result = state.fork({"--ready", "notify", "--ready-timeout", "200ms", "--",
                                      child("serve"), "notify", "STATUS=READY=1\\nREADY=0"});
    CHECK(result.exited(124));
    reap_all();
  }
  SECTION("it may ask for more time") {
    const std::string line = child("serve") +
                             " notify EXTEND_TIMEOUT_USEC=20000000 & sleep 1.5; exec " +
                             child("serve") + " notify READY=1";
    const Background web{
        state.fork({"--ready", "notify", "--ready-timeout", "1s", "--", "sh", "-c", line})};
  }
}

TEST_CASE("a service that ends before it is ready fails the start with its code and log", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string rule = GENERATE(as<std::string>{}, "notify", "port:1", "line:never",
                                    "file:/nonexistent", "cmd:false");
  CAPTURE(rule);
  const auto fails = [&](const std::string& line) {
    const Result result = state.fork({"--name", "web", "--ready", rule, "--", "sh", "-c", line});
    reap_all();
    CHECK(result.out == "");
    return result;
  };
  Result result =
      fails("for i in 1 2 3 4 5 6 7 8 9 10; do echo line $i; done; echo why >&2; exit 7");
  CHECK(result.exited(7));
  const Lines lines = lines_of(result.err);
  REQUIRE(lines.size() == 12);
  CHECK(lines[0] == "procrun: fork: web exited with code 7 before it was ready");
  CHECK(lines[1].starts_with("The end of " + state.path + "/web-"));
  CHECK(lines[2] == "line 2");
  CHECK(lines[11] == "why");
  result = fails("exit 0");
  CHECK(result.exited(1));
  CHECK(result.err == "procrun: fork: web exited with code 0 before it was ready\n");
  result = fails("kill -KILL $$");
  CHECK(result.signaled(SIGKILL));
  CHECK(result.err == "procrun: fork: web killed by signal 9 (KILL) before it was ready\n");
}

TEST_CASE("a service that never gets ready is ended, its whole tree, with 124", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = state.fork({"--name", "web", "--ready", "port:" + text_of(free_port()),
                                    "--ready-timeout", "300ms", "--", child("cli_tree")});
  CHECK(result.exited(124));
  CHECK(result.out == "");
  CHECK(lines_of(result.err)[0] == "procrun: fork: web was not ready in time, and is ended");
  CHECK(result.err.ends_with("\nready\n"));  // what its log says
  reap_all();
  CHECK(descendants_of(::getpid()).empty());
  CHECK(state.job("web")["signal"] == SIGTERM);
}

TEST_CASE("a start that is interrupted ends what it has started, and dies of the signal", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  auto running = start_procrun({"fork", "--name", "web", "-o", dir / "out", "--ready",
                                "file:/nonexistent", "--", child("cli_tree")},
                               state.options());
  // Who is being born while TERM goes round would be ended only by the KILL 10 s later.
  REQUIRE(eventually([&] { return read_file(dir / "out") == "ready\n"; }));
  running.send(SIGINT);
  const Result result = running.finish();
  CHECK(result.signaled(SIGINT));
  CHECK(result.out == "");
  reap_all();
  CHECK(descendants_of(::getpid()).empty());
}

TEST_CASE("a supervisor that is killed before its service is ready is told", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  auto running =
      start_procrun({"fork", "--ready", "file:/nonexistent", "--", "sleep", "60"}, state.options());
  const std::string line = running.read_until(Stream::Err, "\n");
  const pid_t pid = std::stoi(line.substr(line.find('=') + 1));
  REQUIRE(::kill(parent_of(pid), SIGKILL) == 0);
  const Result result = running.finish();
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).back() ==
        "procrun: fork: the supervisor of " + number(pid) + " was killed before it was ready");
  ::kill(pid, SIGKILL);
  reap_all();
}

TEST_CASE("a rule of readiness that is none is refused with the forms", "[cli]") {
  const State state;
  for (const char* rule : {"", "port", "port:", "port:0", "port:65536", "port:x", "port:a.b:1",
                           "line:", "file:", "cmd:", "notify:1", "8000"}) {
    CAPTURE(rule);
    const Result result = state.fork({std::string{"--ready="} + rule, "--", "true"});
    CHECK(result.exited(125));
    CHECK(result.err.find("is none of port:[HOST:]PORT (an address or localhost), line:REGEX, "
                          "file:PATH, cmd:LINE, notify\n") != std::string::npos);
  }
  CHECK(state.fork({"--ready", "line:(", "--", "true"}).exited(125));
}

// --- The story of a CI run: each step is a shell of its own ---

namespace {

Result step(const State& state, const std::string& line) {
  const std::string procrun = std::string{"procrun() { "} + kProcrun + " \"$@\"; }; ";
  return run({"sh", "-c", procrun + line}, plain(state.options()));
}

/// Its end follows that of the service, which is known before.
void await_supervisor(const State& state) {
  REQUIRE(eventually([&] { return state.job("web")["supervised"] == false; }));
}

std::string web_ready_at(const std::string& port) {
  return "procrun fork --name web --ready-timeout 10s --ready port:" + port + " -- ";
}

}  // namespace

TEST_CASE("CI: a service is started in one step, used in the next, and stopped in a third",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string port = text_of(free_port());
  const bool python = step(state, "command -v python3").exited(0);
  const std::string server =
      python ? "python3 -m http.server " + port : child("serve") + " port " + port;
  Result result = step(state, "pid=$(" + web_ready_at(port) + server + ") && echo \"pid $pid\"");
  CHECK(result.exited(0));
  const std::string pid = group_of(lines_of(result.out), "pid ([0-9]+)");
  const Background web{Result{.out = pid + "\n"}};
  if (python) {
    result = step(state,
                  "python3 -c 'import urllib.request as r; "
                  "print(r.urlopen(\"http://127.0.0.1:" +
                      port + "/\").status)'");
    CHECK(result.out == "200\n");
  } else {
    CHECK(ask(std::stoi(port)) == "hello\n");
  }
  CHECK(step(state, "procrun fork --list").out.find("running") != std::string::npos);
  result = step(state, "procrun fork --stop web && procrun waitpid web --status");
  const std::string end = pid + " killed by signal 15 (TERM)\n";
  CHECK(result.err == end + end);  // of both
  CHECK(result.exited(128 + SIGTERM));
  CHECK(ask(std::stoi(port)) == "");
  CHECK(state.job("web")["signal"] == SIGTERM);
}

TEST_CASE("CI: a service that dies before it is ready fails its step, and later ones know how",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string taken = text_of(free_port());
  const Background other{state.fork({"--ready", "port:" + taken, child("serve"), "port", taken})};
  const std::string server = child("serve") + " port " + taken;
  Result result = step(state, web_ready_at(text_of(free_port())) + server + " && echo ready");
  CHECK(result.exited(4));
  CHECK(result.out == "");
  CHECK(result.err.find("procrun: fork: web exited with code 4 before it was ready\n") !=
        std::string::npos);
  CHECK(result.err.ends_with("\nserve: Address already in use\n"));
  CHECK(step(state, "procrun waitpid -q web --status").exited(4));
  await_supervisor(state);
  CHECK(step(state, "procrun fork --stop web").exited(1));
}

TEST_CASE("CI: a service that never gets ready fails its step, is ended, and its name is free",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const int elsewhere = free_port();
  const std::string port = text_of(free_port());
  const std::string server = child("serve") + " port " + text_of(elsewhere);
  const std::string start = "procrun fork --name web --ready-timeout 300ms --ready port:" + port;
  CHECK(step(state, start + " -- " + server).exited(124));
  CHECK(ask(elsewhere) == "");
  CHECK(step(state, "procrun waitpid -q web --status").exited(128 + SIGTERM));
  await_supervisor(state);
  CHECK(step(state, "procrun fork --stop web").exited(1));
  reap_all();
  const Background web{step(state, web_ready_at(port) + child("serve") + " port " + port)};
  CHECK(ask(std::stoi(port)) == "hello\n");
}

TEST_CASE("CI: a service that is killed by KILL is told by the steps after it", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string port = text_of(free_port());
  const Background web{step(state, web_ready_at(port) + child("serve") + " port " + port)};
  CHECK(step(state, "kill -KILL " + number(web.pid())).exited(0));
  Result result = step(state, "procrun waitpid web --status");
  CHECK(result.err == number(web.pid()) + " killed by signal 9 (KILL)\n");
  CHECK(result.exited(128 + SIGKILL));
  await_supervisor(state);
  result = step(state, "procrun fork --stop web");
  CHECK(result.exited(1));
  CHECK(result.err == "procrun: fork: web does not run: killed by signal 9 (KILL)\n");
  CHECK(step(state, "procrun waitpid -q web --status").exited(128 + SIGKILL));
}

}  // namespace procrun::test
