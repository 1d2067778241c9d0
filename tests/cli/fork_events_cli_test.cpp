// fork --events and --timeline: the supervisor writes them, whoever started it has gone. Every
// record is checked against the schema where it is read.
#include <fcntl.h>
#include <sys/stat.h>

#include "background.h"
#include "report/event_records.h"

namespace procrun::test {
namespace {

using Types = std::vector<std::string>;

std::vector<Record> records_in(const std::string& path) { return event_records(read_file(path)); }

Record the(const std::vector<Record>& records, const std::string& type) {
  CAPTURE(types_of(records), type);
  std::vector<Record> some;
  std::copy_if(records.begin(), records.end(), std::back_inserter(some),
               [&](const auto& record) { return record.at("type") == type; });
  REQUIRE(some.size() == 1);
  return some[0];
}

bool has_file(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// A command that waits for the file `go`, and then does `what`.
Words when_told(const State& state, const std::string& what) {
  return {"--", "sh", "-c", "while [ ! -e \"$0\" ]; do sleep 0.01; done; " + what,
          state.dir / "go"};
}

Result fork_with(const State& state, Words options, const Words& command, Options more = {}) {
  options.insert(options.end(), command.begin(), command.end());
  return state.fork(options, std::move(more));
}

void tell_to_go(const State& state) { write_file(state.dir / "go", ""); }

}  // namespace

TEST_CASE("fork's events hold the whole life of the command, though the caller has gone",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string file = state.dir / "e";
  Background job{fork_with(state, {"--name", "web", "--events", file}, when_told(state, "exit 3"))};
  const auto before = records_in(file);
  CHECK(types_of(before) == Types{"run_start", "job_start", "fork", "exec"});
  CHECK(before[0].at("pid") == job.supervisor());
  tell_to_go(state);
  job.await_end();
  const auto records = records_in(file);
  CHECK(types_of(records) ==
        Types{"run_start", "job_start", "fork", "exec", "exit", "job_end", "run_end"});
  CHECK(the(records, "job_start").at("name") == "web");
  CHECK(the(records, "exec").at("pid") == job.pid());
  CHECK(the(records, "exec").at("ppid") == before[0].at("pid"));
  CHECK(the(records, "exit").at("code") == 3);
  CHECK(the(records, "job_end").at("result") == "failed");
  CHECK(the(records, "run_end").at("text") == "exited with code 3");
}

TEST_CASE("fork's events are those that wait has of the same command", "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string line = GENERATE("exit 0", "kill -9 $$", "(exit 3); exec true");
  CAPTURE(line);
  run_procrun({"wait", "-q", "--events", state.dir / "w", "--", "sh", "-c", line});
  const Words command{"--", "sh", "-c", line};
  state.fork({"--events", state.dir / "f", "--", "sh", "-c", line});
  reap_all();
  const auto waited = records_in(state.dir / "w");
  const auto forked = records_in(state.dir / "f");
  CHECK(types_of(waited) == types_of(forked));
  for (const char* type : {"job_start", "exit", "job_end", "run_end"}) {
    for (const char* name : {"name", "argv", "code", "signal", "result", "text"}) {
      const auto one = the(waited, type);
      if (one.contains(name)) CHECK(one.at(name) == the(forked, type).at(name));
    }
  }
}

TEST_CASE("fork's events go on until the command's tree has ended", "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  Background job{fork_with(state,
                           {"--events", state.dir / "e", "--timeline=" + state.dir / "p.svg"},
                           when_told(state, "sleep 0.2 & exit 0"))};
  tell_to_go(state);
  job.await_end();
  const auto records = records_in(state.dir / "e");
  const pid_t orphan = the(records, "orphan").at("pid");
  CHECK(the(records, "orphan").at("ppid") == records[0].at("pid"));
  CHECK(the(records, "reap").at("pid") == orphan);
  CHECK(the(records, "exit").at("ns") < the(records, "reap").at("ns"));
  CHECK(records.back().at("type") == "run_end");
  const std::string svg = read_file(state.dir / "p.svg");
  CHECK(svg.find(">" + number(orphan) + " sleep</text>") != std::string::npos);
  CHECK(svg.find("class=\"adopt\"") != std::string::npos);
}

TEST_CASE("fork draws its picture into the file when the command has ended", "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string file = state.dir / "p.svg";
  Background job{fork_with(state, {"--timeline=" + file}, when_told(state, "exit 3"))};
  CHECK(read_file(file).empty());  // not by the caller
  tell_to_go(state);
  job.await_end();
  const std::string svg = read_file(file);
  CHECK(svg.find("procrun fork: 2 processes, ") != std::string::npos);
  CHECK(svg.find(">" + number(job.pid()) + " sh</text>") != std::string::npos);
  CHECK(svg.find("exited with code 3 and reaped after ") != std::string::npos);
  CHECK(svg.ends_with("</svg>\n"));
}

TEST_CASE("a file for events or picture that fork cannot open is told before anything starts",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  write_file(state.dir / "out", "kept\n");
  const std::string option = GENERATE("--events", "--timeline");
  CAPTURE(option);
  const Result result =
      state.fork({option + "=/nonexistent/x", "-o", state.dir / "out", "--name", "web", "--pidfile",
                  state.dir / "pid", "--", "sh", "-c", "echo >$0", state.dir / "ran"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: fork: /nonexistent/x: No such file or directory\n");
  CHECK_FALSE(has_file(state.dir / "ran"));
  CHECK(read_file(state.dir / "out") == "kept\n");
  CHECK(state.job("web").is_null());
}

TEST_CASE("DISKFULL: fork does not start a command whose events cannot be written",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result =
      state.fork({"--events", "/dev/full", "--", "sh", "-c", "echo >$0", state.dir / "ran"});
  CHECK(result.exited(125));
  CHECK(result.out == "");
  CHECK(result.err == "procrun: fork: write to the events /dev/full: No space left on device\n");
  reap_all();
  CHECK_FALSE(has_file(state.dir / "ran"));
}

TEST_CASE("a command that runs is no worse for events that can be written no more",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string fifo = state.dir / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const int reader = ::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  REQUIRE(reader != -1);
  Background job{fork_with(state, {"--name", "web", "--events", fifo}, when_told(state, "exit 3"))};
  ::close(reader);
  tell_to_go(state);
  job.await_end();
  CHECK(state.job("web")["code"] == 3);
  CHECK(read_file(state.logs().at(0)) ==
        "procrun: fork: the command runs on, but not all is recorded: write to the events " + fifo +
            ": Broken pipe\n");
}

TEST_CASE("DISKFULL: fork's picture that does not fit is told in the command's log",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  state.fork({"--name", "web", "--timeline=/dev/full", "--", "true"});
  reap_all();
  CHECK(state.job("web")["code"] == 0);
  CHECK(read_file(state.logs().at(0))
            .ends_with("write the picture to /dev/full: No space left on device\n"));
}

TEST_CASE("a supervisor that is killed leaves whole records, and no end that nobody has seen",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  Background job{fork_with(state, {"--events", state.dir / "e"}, when_told(state, "exit 3"))};
  const pid_t pid = job.pid();
  job.lose_supervisor();
  tell_to_go(state);
  reap(pid);
  CHECK(types_of(records_in(state.dir / "e")) == Types{"run_start", "job_start", "fork", "exec"});
}

TEST_CASE("fork's events go to a descriptor, which the command does not get",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const std::string file = state.dir / "e";
  const Result result = state.fork({"--events", "fd:7", "--timeline=" + state.dir / "p.svg", "-o",
                                    state.dir / "out", "--", child("cli_fds")},
                                   {.in_child = [file] {
                                     const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT, 0600);
                                     ::dup2(fd, 7);
                                   }});
  CHECK(result.exited(0));
  reap_all();
  CHECK(read_file(state.dir / "out") == "0 1 2 \n");
  CHECK(records_in(file).back().at("type") == "run_end");
  const Result refused = state.fork({"--events", "fd:7", "--", "true"});
  CHECK(refused.exited(125));
  CHECK(refused.err.find("descriptor 7 is not open for writing") != std::string::npos);
}

TEST_CASE("fork's events tell how a job was ended: by --stop, or by its supervisor",
          "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  Background job{state.fork({"--name", "web", "--events", state.dir / "e", "--", "sleep", "60"})};
  const bool by_us = GENERATE(true, false);
  CAPTURE(by_us);
  if (by_us) CHECK(state.fork({"--stop", "web"}).exited(0));
  if (by_us) job.await_end();
  job.end();
  const auto records = records_in(state.dir / "e");
  CHECK(the(records, "exit").at("signal") == SIGTERM);
  CHECK(the(records, "job_end").at("result") == (by_us ? "failed" : "cancelled"));
  if (!by_us) CHECK(the(records, "signal").at("signal") == SIGTERM);
  CHECK(records.back().at("type") == "run_end");
}

TEST_CASE("fork's events tell why a command could not start", "[cli][fork_events]") {
  const NoDescendantLeft guard;
  const State state;
  const Result result = state.fork({"--events", state.dir / "e", "--", "/nonexistent"});
  CHECK(result.exited(127));
  reap_all();
  const auto records = records_in(state.dir / "e");
  CHECK(the(records, "job_end").at("result") == "could_not_start");
  CHECK(records.back().at("type") == "run_end");
}

}  // namespace procrun::test
