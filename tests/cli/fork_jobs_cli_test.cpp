// fork --list, --stop and --logs: what becomes of jobs that were let go.
#include <sys/stat.h>

#include "background.h"
#include "state/records.h"
#include "sys/proc.h"

namespace procrun::test {
namespace {

/// The job's own record, as its supervisor wrote it.
state::Record record_of(const State& state, const std::string& name) {
  const state::Records records{state.path};
  const auto record = records.find(name);
  REQUIRE(record);
  return *record;
}

}  // namespace

TEST_CASE("how a job ended is on record for good, by its name and by its pid", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const auto ends = [&](const std::string& line, const std::string& name) {
    const Result result = state.fork({"--name", name, "--", "sh", "-c", line});
    CHECK(result.exited(0));
    reap_all();
    const auto job = state.job(name);
    CHECK(job["state"] == "ended");
    CHECK(std::to_string(job["pid"].get<int>()) + "\n" == result.out);
    CHECK(job["argv"] == nlohmann::json({"sh", "-c", line}));
    CHECK(state.job(std::to_string(job["pid"].get<int>()))["id"] == job["id"]);
    return job;
  };
  CHECK(ends("exit 0", "good")["code"] == 0);
  CHECK(ends("exit 3", "bad")["code"] == 3);
  CHECK(ends("exit 255", "worse")["code"] == 255);
  const auto killed = ends("kill -9 $$", "killed");
  CHECK(killed["code"].is_null());
  CHECK(killed["signal"] == 9);
  CHECK(killed["core"] == false);
}

TEST_CASE("fork --list shows each job with its state", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  CHECK(state.fork({"--list"}).out == "NAME  PID  STATE  STARTED  COMMAND\n");
  CHECK(state.fork({"--name", "past", "--", "sh", "-c", "exit 3"}).exited(0));
  reap_all();
  const Background job{state.fork({"--", "sleep", "60"})};
  const Lines lines = lines_of(state.fork({"--list"}).out);
  REQUIRE(lines.size() == 3);
  CHECK(matches(lines[0], "NAME +PID +STATE +STARTED +COMMAND"));
  CHECK(matches(lines[1], "past +[0-9]+  exited with code 3  20[0-9TZ:.-]+  sh -c 'exit 3'"));
  CHECK(matches(lines[2], "- +" + number(job.pid()) + "  running +20[0-9TZ:.-]+  sleep 60"));
}

TEST_CASE("fork --list names a torn record and one of an earlier boot", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  for (const char* name : {"torn", "old"}) {
    CHECK(state.fork({"--name", name, "--", "sh", "-c", "exit 3"}).exited(0));
    reap_all();
  }
  const state::Records records{state.path};
  auto old = record_of(state, "old");
  old.boot = "another";
  old.status.reset();
  records.keep(old);
  const std::string path = records.path_of(record_of(state, "torn"));
  write_file(path, read_file(path).substr(0, 100));
  const Result result = run_procrun({"fork", "--list"}, state.options());
  CHECK(result.exited(0));
  const Lines lines = lines_of(result.out);
  REQUIRE(lines.size() == 2);
  CHECK(matches(lines[1], "old .* unknown: the machine was started anew since .*"));
  CHECK(result.err == "procrun: fork: warning: the record " + path +
                          " is not whole: the job in it is not known\n");
  for (const Words& words : {Words{"--stop", "torn"}, Words{"--name", "torn", "--", "true"}}) {
    const Result refused = state.fork(words);
    CHECK(refused.err == "procrun: fork: the record " + path +
                             " is not whole; remove it, if its job does not run any more\n");
    CHECK(refused.exited(125));
  }
  std::filesystem::remove(path);
  CHECK(state.fork({"--name", "torn", "--", "true"}).exited(0));
  reap_all();
}

TEST_CASE("T8: fork --stop ends the whole tree, setsid or not, and waits until it is gone",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const bool deaf = GENERATE(false, true);
  const bool by_pid = GENERATE(false, true);
  const Words tree = deaf ? Words{child("cli_tree"), "deaf"} : Words{child("cli_tree")};
  Words words{"--name", "web", "-o", dir / "out", "--"};
  words.insert(words.end(), tree.begin(), tree.end());
  const Background web{state.fork(words)};
  REQUIRE(eventually([&] { return read_file(dir / "out") == "ready\n"; }));
  CHECK(descendants_of(web.supervisor()).size() == 4);
  const std::string how = deaf ? "TERM,50ms,KILL" : "TERM,20s,KILL";
  const std::string word = by_pid ? number(web.pid()) : "web";
  const Result result = run_procrun({"fork", "--term-seq", how, "--stop", word}, state.options());
  CHECK(result.exited(0));
  CHECK(result.out == "");
  CHECK(result.err ==
        number(web.pid()) + " killed by signal " + (deaf ? "9 (KILL)\n" : "15 (TERM)\n"));
  CHECK(descendants_of(::getpid()).empty());
  CHECK(state.job("web")["signal"] == (deaf ? SIGKILL : SIGTERM));
}

TEST_CASE("fork --stop ends a job as it was started to be ended, unless it is told how", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string until_told =
      "trap 'exit 5' INT; trap 'exit 6' USR1; : > \"$0\"; "
      "while :; do sleep 0.01; done";
  const std::string ready = state.dir / "ready";
  const Background job{state.fork({"--name", "web", "--term-seq", "INT,30s,KILL", "--ready",
                                   "file:" + ready, "--", "sh", "-c", until_told, ready})};
  const auto [words, code] = GENERATE(table<Words, int>(
      {{{"--stop", "web"}, 5}, {{"--term-seq", "USR1,30s,KILL", "--stop", "web"}, 6}}));
  CAPTURE(words);
  CHECK(state.fork(words).exited(0));
  CHECK(run_procrun({"waitpid", "web", "--status"}, state.options()).exited(code));
}

TEST_CASE("fork --stop ends what a command has left behind", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Background job{
      state.fork({"--name", "web", "-o", dir / "out", "--", child("cli_tree"), "leave"})};
  REQUIRE(eventually([&] { return state.job("web")["state"] == "ended"; }));
  CHECK(state.job("web")["supervised"] == true);
  CHECK(state.fork({"--stop", "web"}).exited(0));
  CHECK(descendants_of(::getpid()).empty());
  CHECK(state.job("web")["code"] == 5);
}

TEST_CASE("fork --stop of what does not run returns 1, or 0 with --oknodo", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  CHECK(state.fork({"--name", "web", "--", "sh", "-c", "exit 3"}).exited(0));
  reap_all();
  Result result = state.fork({"--stop", "web"});
  CHECK(result.exited(1));
  CHECK(result.err == "procrun: fork: web does not run: exited with code 3\n");
  CHECK(state.fork({"--oknodo", "--stop", "web"}).exited(0));
  result = state.fork({"--stop", "no-such-job"});
  CHECK(result.exited(1));
  CHECK(result.err == "procrun: fork: there is no job no-such-job\n");
  CHECK(state.fork({"--oknodo", "--stop", "no-such-job"}).exited(0));
}

TEST_CASE("fork --stop ends a job whose supervisor was killed, too", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  Background web{state.fork({"--name", "web", "-o", dir / "out", "--", child("cli_tree"), "deaf"})};
  REQUIRE(eventually([&] { return read_file(dir / "out") == "ready\n"; }));
  web.lose_supervisor();
  CHECK(state.fork({"--term-seq", "TERM,50ms,KILL", "--stop", "web"}).exited(0));
  CHECK_FALSE(is_running(web.pid()));
  CHECK(state.job("web")["state"] == "unknown");
  for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);  // it had left its tree
}

TEST_CASE("T9: fork never signals a stranger that was given a job's number", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  CHECK(state.fork({"--name", "web", "--", "true"}).exited(0));
  reap_all();
  const pid_t stranger = ::fork();
  if (stranger == 0) {
    for (;;) ::pause();
  }
  auto record = record_of(state, "web");
  record.status.reset();
  for (auto* id : {&record.command, &record.supervisor}) {
    *id = sys::identify(stranger);
    ++id->start_time;
    if (id->inode != 0) ++id->inode;
  }
  state::Records{state.path}.keep(record);
  CHECK(state.fork({"--stop", "web"}).exited(1));
  CHECK(state.fork({"--stop", number(stranger)}).exited(1));
  CHECK(is_running(stranger));
  CHECK(state.job("web")["state"] == "unknown");
  ::kill(stranger, SIGKILL);
  reap(stranger);
}

TEST_CASE(
    "T47: whoever is killed at whatever instant, records are whole and the name is free again",
    "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  const Words words{"fork", "-q", "--name", "web", "-p", dir / "web.pid", "--", "sleep", "60"};
  for (int i = 0; i < 40; ++i) {
    auto running = start_procrun(words, state.options({.until_exit = true}));
    const timespec a_moment{0, i * 100'000L};
    ::nanosleep(&a_moment, nullptr);
    const bool all = i % 2 == 0;  // else the one that was called alone
    running.send(SIGKILL);
    for (const pid_t pid : all ? descendants_of(::getpid()) : std::vector<pid_t>{}) {
      ::kill(pid, SIGKILL);
    }
    running.finish();
    const Result listed = run_procrun({"fork", "--list"}, state.options());
    CHECK(listed.exited(0));
    CHECK(listed.err == "");  // no record is torn
    const Result stopped = state.fork({"--oknodo", "--stop", "web"});
    CHECK(stopped.exited(0));
    kill_all();
  }
  const Background web{run_procrun(words, state.options())};
  CHECK(state.job("web")["pid"] == web.pid());
  CHECK(read_file(dir / "web.pid") == number(web.pid()) + "\n");
}

TEST_CASE("fork --logs shows what a job wrote, each stream on its own", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  CHECK(state.fork({"--name", "web", "--", "sh", "-c", "echo out; echo err >&2"}).exited(0));
  CHECK(state.fork({"--name", "two", "-e", dir / "err", "--", "sh", "-c", "echo out; echo err >&2"})
            .exited(0));
  CHECK(state.fork({"--name", "none", "-o", "/dev/null", "--", "true"}).exited(0));
  reap_all();
  Result result = state.fork({"--logs", "web"});
  CHECK(result.exited(0));
  CHECK(result.out == "out\nerr\n");
  result = state.fork({"--logs", "two"});
  CHECK(result.out == "out\n");
  CHECK(result.err == "err\n");
  result = state.fork({"--logs", "none"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: fork: /dev/null is no file that could be read again\n");
  CHECK(state.fork({"--logs", "no-such-job"}).exited(1));
}

TEST_CASE("fork --logs --follow shows all that comes, sleeps in between, and ends with the job",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "go").c_str(), 0600) == 0);
  const std::string line =
      "echo one; read x < " + (dir / "go") + "; echo two; printf three; exit 3";
  const Background web{state.fork({"--name", "web", "--", "sh", "-c", line})};
  auto follower = start_procrun({"fork", "--logs", "web", "--follow"}, state.options());
  follower.read_until(Stream::Out, "one\n");
  REQUIRE(eventually([&] { return status_of(follower.pid(), "State").starts_with("S"); }));
  const auto switches = status_of(follower.pid(), "voluntary_ctxt_switches");
  const timespec a_while{0, 200'000'000};
  ::nanosleep(&a_while, nullptr);
  CHECK(status_of(follower.pid(), "voluntary_ctxt_switches") == switches);
  const int go = ::open((dir / "go").c_str(), O_WRONLY | O_CLOEXEC);
  REQUIRE(::write(go, "x\n", 2) == 2);
  ::close(go);
  const Result result = follower.finish();
  CHECK(result.exited(0));
  CHECK(result.out == "one\ntwo\nthree");
  CHECK(state.fork({"--logs", "web", "--follow"}).out == "one\ntwo\nthree");
}

TEST_CASE("fork --logs --follow ends when nobody reads any more, though the job is silent",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Background web{state.fork({"--name", "web", "--", "sh", "-c", "echo one; exec sleep 60"})};
  REQUIRE(eventually([&] { return state.fork({"--logs", "web"}).out == "one\n"; }));
  const std::string line = std::string{kProcrun} + " fork --logs web --follow | head -n1";
  CHECK(run({"sh", "-c", line}, state.options()).out == "one\n");
}

TEST_CASE("fork --logs --follow shows a file that was cut off from its beginning", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const TempDir dir;
  write_file(dir / "log", "");
  const Background web{
      state.fork({"--name", "web", "-o", dir / "log", "--append", "--", "sleep", "60"})};
  auto follower = start_procrun({"fork", "--logs", "web", "--follow"}, state.options());
  write_file(dir / "log", "a long line\n");
  follower.read_until(Stream::Out, "a long line\n");
  write_file(dir / "log", "short\n");
  follower.read_until(Stream::Out, "short\n");
  CHECK(state.fork({"--stop", "web"}).exited(0));
  CHECK(follower.finish().exited(0));
}

}  // namespace procrun::test
