// waitpid NAME: a job of fork, by its record, from any shell and at any later time.
#include "background.h"
#include "strangers.h"

namespace procrun::test {

TEST_CASE("waitpid NAME waits for a job that runs, and knows how it ended", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string go = state.dir / "go";
  const Background job{state.fork({"--name", "web", "--", "sh", "-c",
                                   "while [ ! -e " + go + " ]; do sleep 0.01; done; exit 7"})};
  auto running = start_procrun({"waitpid", "web", "--status"}, state.options());
  await_waiting(running);
  write_file(go, "");
  const Result result = running.finish();
  CHECK(result.err == number(job.pid()) + " exited with code 7\n");
  CHECK(result.exited(7));
}

TEST_CASE("waitpid NAME --status is the true code at any later time", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const auto [how, code] =
      GENERATE(table<std::string, int>({{"exit 0", 0}, {"exit 255", 255}, {"kill -9 $$", 137}}));
  CAPTURE(how);
  const TempDir dir;
  const std::string until_go = "while [ ! -e \"$0\" ]; do sleep 0.01; done; ";
  Background job{state.fork({"--name", "web", "--", "sh", "-c", until_go + how, dir / "go"})};
  write_file(dir / "go", "");
  job.await_end();
  for (int times = 0; times < 2; ++times) {
    const Result result = run_procrun({"waitpid", "--status", "--json", "web"}, state.options());
    CHECK(result.exited(code));
    const auto record = records_of(result.out).at(job.pid());
    CHECK(record["named"] == "web");
    CHECK(record["how"] == (code == 137 ? "killed" : "exited"));
  }
}

TEST_CASE("waitpid PID of a job that has ended is its true code, with and without a name",
          "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Words name = GENERATE(Words{}, Words{"--name", "web"});
  CAPTURE(name);
  Words words = name;
  const std::string until_go = "while [ ! -e \"$0\" ]; do sleep 0.01; done; exit 3";
  words.insert(words.end(), {"--", "sh", "-c", until_go, state.dir / "go"});
  Background job{state.fork(words)};
  write_file(state.dir / "go", "");
  job.await_end();
  const std::string pid = number(job.pid());
  const Result result = run_procrun({"waitpid", "--status", pid}, state.options());
  CHECK(result.err == pid + " exited with code 3\n");
  CHECK(result.exited(3));
  // Another process that had the number was somebody else.
  const std::string other = pid + "@1";
  CHECK(run_procrun({"waitpid", "-q", "--status", other}, state.options()).exited(127));
}

TEST_CASE("waitpid NAME tells how a job ended that fork --stop has ended", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Background job{state.fork({"--name", "web", "--", "sleep", "60"})};
  CHECK(state.fork({"--stop", "web"}).exited(0));
  CHECK(run_procrun({"waitpid", "web", "--status"}, state.options()).exited(143));
}

TEST_CASE("waitpid NAME --on-timeout ends the job", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Background job{state.fork({"--name", "web", "--", "sleep", "60"})};
  const Result result = run_procrun(
      {"waitpid", "web", "-q", "-t", "50ms", "--on-timeout", "TERM,5s,KILL"}, state.options());
  CHECK(result.exited(124));
  CHECK(run_procrun({"waitpid", "web", "--status"}, state.options()).exited(143));
}

TEST_CASE("waitpid NAME is 125 where nobody has written down how the job ended", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  Background job{state.fork({"--name", "web", "--", "sleep", "60"})};
  const pid_t pid = job.pid();
  job.lose_supervisor();
  ::kill(pid, SIGKILL);
  reap(pid);
  const Result result = run_procrun({"waitpid", "web", "--status"}, state.options());
  const Lines lines = lines_of(result.err);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == number(pid) + " has ended; how is not known: its supervisor was killed");
  CHECK(lines[1] == "procrun: waitpid: how " + number(pid) +
                        " ended cannot be known: its supervisor was killed");
  CHECK(result.exited(125));
  CHECK(run_procrun({"waitpid", "web"}, state.options()).exited(0));
}

TEST_CASE("waitpid of a name that no job has is 127, or 0 with -e", "[cli]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = run_procrun({"waitpid", "nosuch"}, state.options());
  CHECK(result.err == "procrun: waitpid: wait for job nosuch: there is none of that name\n");
  CHECK(result.exited(127));
  CHECK(run_procrun({"waitpid", "-e", "nosuch"}, state.options()).exited(0));
}

}  // namespace procrun::test
