// --events: what a run tells to programs. Every record of every run here is checked against the
// schema.
#include <sys/resource.h>

#include <set>

#include "program.h"
#include "report/event_records.h"

namespace procrun::test {
namespace {

using Types = std::vector<std::string>;

Words with_events(const std::string& verb, const std::string& file, const Words& rest) {
  Words words{verb, "-q", "--events", file};
  words.insert(words.end(), rest.begin(), rest.end());
  return words;
}

std::vector<Record> records_in(const std::string& path) { return event_records(read_file(path)); }

/// The records of one job.
std::vector<Record> of_job(const std::vector<Record>& records, int seq) {
  std::vector<Record> some;
  for (const auto& record : records) {
    if (record.contains("seq") && record.at("seq") == seq) some.push_back(record);
  }
  return some;
}

/// The one record of that type.
Record the(const std::vector<Record>& records, const std::string& type) {
  CAPTURE(types_of(records), type);
  std::vector<Record> some;
  std::copy_if(records.begin(), records.end(), std::back_inserter(some),
               [&](const auto& record) { return record.at("type") == type; });
  REQUIRE(some.size() == 1);
  return some[0];
}

/// They happened in the order in which they stand.
void check_times(const std::vector<Record>& records) {
  for (std::size_t i = 1; i < records.size(); ++i) {
    CAPTURE(records[i - 1].dump(), records[i].dump());
    CHECK(records[i - 1].at("ns") <= records[i].at("ns"));
  }
}

/// With the file open as descriptor 7.
Options on_seven(const std::string& path) {
  return {.in_child = [path] {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    ::dup2(fd, 7);
  }};
}

struct Case {
  const char* name;
  Words options;
  std::string line;  // for the shell
  Types types;       // of the job's records
  std::string result;
  bool ignores_term = false;
};

std::vector<Case> cases() {
  return {
      {"success", {}, "true", {"job_start", "fork", "exec", "exit", "job_end"}, "ok"},
      {"failure", {}, "exit 3", {"job_start", "fork", "exec", "exit", "job_end"}, "failed"},
      {"timeout",
       {"--timeout", "50ms"},
       "exec sleep 60",
       {"job_start", "fork", "exec", "timeout", "signal", "exit", "job_end"},
       "timed_out"},
      {"needs KILL",
       {"--timeout", "50ms", "--term-seq", "TERM,50ms,KILL"},
       "exec sleep 60",
       {"job_start", "fork", "exec", "timeout", "signal", "signal", "kill", "exit", "job_end"},
       "timed_out",
       true},
      {"stopped",
       {"--timeout", "1s"},
       "kill -STOP $$",
       {"job_start", "fork", "exec", "stop", "timeout", "signal", "exit", "job_end"},
       "timed_out"},
      {"retry",
       {"--retries", "1", "--retry-delay", "1ms"},
       "exit 1",
       {"job_start", "fork", "exec", "exit", "retry", "fork", "exec", "exit", "job_end"},
       "failed"},
      {"leak",
       {},
       "sleep 60 & exit 0",
       {"job_start", "fork", "exec", "exit", "orphan", "leak", "signal", "reap", "job_end"},
       "ok"},
      {"lost", {}, "kill -9 $PPID; exec sleep 60", {"job_start", "job_end"}, "lost"},
  };
}

}  // namespace

TEST_CASE("each end of a job is told by its events in their order", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn");
  for (const Case& one : cases()) {
    CAPTURE(verb, one.name);
    Words rest = one.options;
    rest.insert(rest.end(), {"sh", "-c", one.line});
    if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
    Options options;
    if (one.ignores_term) options.in_child = [] { ::signal(SIGTERM, SIG_IGN); };
    const Result result = run_procrun(with_events(verb, dir / "e", rest), options);
    const auto records = records_in(dir / "e");
    CAPTURE(result.err, types_of(records));
    CHECK(records.front().at("type") == "run_start");
    CHECK(records.back().at("type") == "run_end");
    auto job = of_job(records, 1);
    // Whether its last words came before its worker's end is chance.
    if (one.result == "lost") {
      std::erase_if(job, [](const auto& record) {
        return record.at("type") == "fork" || record.at("type") == "exec";
      });
    }
    // And whether one that is told to end is seen to go on before it has ended.
    if (std::string_view{one.name} == "stopped") {
      std::erase_if(job, [](const auto& record) { return record.at("type") == "continue"; });
    }
    CHECK(types_of(job) == one.types);
    CHECK(job.back().at("result") == one.result);
    CHECK(records.back().at("jobs") == 1);
    check_times(records);
  }
}

TEST_CASE("events say who ran what, how it ended, and what it used", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string busy = "i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done; exit $0";
  CHECK(
      run_procrun(with_events("pool", dir / "e", {"-j1", "sh", "-c", busy, "{}", ":::", "0", "7"}))
          .exited(1));
  const auto records = records_in(dir / "e");
  const auto first = of_job(records, 1);
  const auto second = of_job(records, 2);
  CHECK(the(first, "job_start").at("argv") == Record({"sh", "-c", busy, "0"}));
  CHECK(the(first, "job_start").at("slot") == 1);
  CHECK(the(first, "exec").at("ppid") == the(second, "exec").at("ppid"));  // the one worker
  CHECK(the(first, "exec").at("attempt") == 1);
  const auto exit = the(second, "exit");
  CHECK(exit.at("pid") == the(second, "exec").at("pid"));
  CHECK(exit.at("code") == 7);
  CHECK(exit.at("signal").is_null());
  CHECK(exit.at("maxrss") > 0);
  CHECK(exit.at("utime").get<long>() + exit.at("stime").get<long>() > 0);
  CHECK(exit.at("duration") > 0);
  const auto end = the(second, "job_end");
  CHECK(end.at("pid") == exit.at("pid"));
  CHECK(end.at("code") == 7);
  CHECK(end.at("text") == "exited with code 7");
  CHECK(end.at("utime") == exit.at("utime"));
  CHECK(the(records, "run_end").at("ok") == 1);
  CHECK(the(records, "run_end").at("failed") == 1);
  std::set<std::string> runs;
  for (const auto& record : records) runs.insert(record.at("run"));
  CHECK(runs.size() == 1);
}

TEST_CASE("a job that could not be started is told with its reason", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn", "wait");
  Words rest{"/nonexistent"};
  if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
  CAPTURE(verb);
  run_procrun(with_events(verb, dir / "e", rest));
  const auto job = of_job(records_in(dir / "e"), 1);
  CHECK(types_of(job) == Types{"job_start", "job_end"});
  CHECK(job.back().at("result") == "could_not_start");
  CHECK(job.back().at("code") == 127);
  CHECK(job.back().at("pid") == 0);
}

TEST_CASE("wait tells of its command and of the orphans that it reaps", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_procrun(with_events("wait", dir / "e", {"sh", "-c", "(sleep 0 &); exit 4"}));
  CHECK(result.exited(4));
  const auto records = records_in(dir / "e");
  CHECK(records.front().at("type") == "run_start");
  CHECK(the(records, "exec").at("ppid") == records.front().at("pid"));
  CHECK(the(records, "exit").at("code") == 4);
  CHECK(the(records, "job_end").at("result") == "failed");
  CHECK(records.back().at("type") == "run_end");
  check_times(records);
}

TEST_CASE("events say who made which process, and who reaped it", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn");
  CAPTURE(verb);
  Words rest{"sh", "-c", "exit 3"};
  if (verb == "pool") rest = {"-j1", "sh", "-c", "exit 3", ":::", "item"};
  run_procrun(with_events(verb, dir / "e", rest));
  const auto records = records_in(dir / "e");
  const auto made = the(of_job(records, 0), "fork");
  CHECK(made.at("ppid") == records.front().at("pid"));
  CHECK(made.at("slot") == 1);
  const auto fork = the(of_job(records, 1), "fork");
  CHECK(fork.at("ppid") == made.at("pid"));
  CHECK(fork.at("slot") == 0);
  CHECK(fork.at("pid") == the(records, "exec").at("pid"));
  CHECK(fork.at("ns") <= the(records, "exec").at("ns"));
  CHECK(the(of_job(records, 0), "reap").at("pid") == made.at("pid"));
  CHECK(the(of_job(records, 0), "reap").at("code") == 0);
}

TEST_CASE("events say whom an orphan has come to, and when its command goes on", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  SECTION("an orphan comes to the worker of its job") {
    const std::string line = "(sleep 60 & echo $! >$0; exit 0); sleep 0.02; exit 0";
    run_procrun(with_events("spawn", dir / "e", {"sh", "-c", line, dir / "pid"}));
    const auto records = records_in(dir / "e");
    const auto orphan = the(records, "orphan");
    CHECK(orphan.at("pid") == std::stoi(read_file(dir / "pid")));
    CHECK(orphan.at("ppid") == the(of_job(records, 1), "fork").at("ppid"));
    CHECK(orphan.at("adopter") == "procrun");
  }
  SECTION("the command of a killed worker comes to procrun") {
    run_procrun(with_events("spawn", dir / "e", {"sh", "-c", "kill -9 $PPID; exec sleep 60"}));
    const auto records = records_in(dir / "e");
    CHECK(the(records, "orphan").at("ppid") == records.front().at("pid"));
    CHECK(the(records, "orphan").at("adopter") == "procrun");
  }
  SECTION("a stopped command goes on") {
    const std::string line =
        "(sleep 0.05; kill -CONT $$) & kill -STOP $$; wait; "
        "until [ -e $0 ]; do sleep 0.01; done; exit 0";
    auto running = start_procrun(with_events("spawn", dir / "e", {"sh", "-c", line, dir / "go"}));
    // Of one that has ended meanwhile the kernel does not tell that it went on.
    REQUIRE(
        eventually([&] { return read_file(dir / "e").find("\"continue\"") != std::string::npos; }));
    write_file(dir / "go", "");
    CHECK(running.finish().exited(0));
    const auto records = records_in(dir / "e");
    CHECK(types_of(of_job(records, 1)) ==
          Types{"job_start", "fork", "exec", "stop", "continue", "exit", "job_end"});
    CHECK(the(records, "continue").at("pid") == the(records, "stop").at("pid"));
  }
}

TEST_CASE("output that was dropped is told", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  run_procrun(with_events("spawn", dir / "e", {"--max-output", "2", "echo", "hello"}));
  CHECK(the(records_in(dir / "e"), "dropped").at("seq") == 1);
}

TEST_CASE("jobs that are cancelled when a run halts are told so", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string line = "case $0 in 1) exec sleep 60;; *) exit 5;; esac";
  CHECK(run_procrun(with_events("pool", dir / "e",
                                {"-j2", "--fail-fast", "sh", "-c", line, "{}", ":::", "1", "2"}))
            .exited(5));
  const auto records = records_in(dir / "e");
  CHECK(the(of_job(records, 1), "job_end").at("result") == "cancelled");
  CHECK(the(of_job(records, 2), "job_end").at("result") == "failed");
  CHECK(the(records, "run_end").at("cancelled") == 1);
}

TEST_CASE("a run that a signal ends tells its events to the end", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn");
  CAPTURE(verb);
  Words rest{"sh", "-c", "echo >$0; exec sleep 60", dir / "began"};
  if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
  auto running = start_procrun(with_events(verb, dir / "e", rest));
  REQUIRE(eventually([&] { return ::access((dir / "began").c_str(), F_OK) == 0; }));
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
  const auto records = records_in(dir / "e");
  CHECK(types_of(of_job(records, 1)) ==
        Types{"job_start", "fork", "exec", "signal", "exit", "job_end"});
  CHECK(the(records, "job_end").at("result") == "cancelled");
  CHECK(the(records, "exit").at("signal") == SIGTERM);
  CHECK(records.back().at("type") == "run_end");
}

TEST_CASE("a job that was in flight when procrun was killed is told by the run after it", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string line =
      "test -e $0 && exit; echo >$0; read -r pid name state parent rest </proc/$PPID/stat; "
      "kill -9 $parent; exec sleep 60";
  const Words rest{"--journal", dir / "j", "--resume", "sh", "-c", line, dir / "b", ":::", "item"};
  CHECK(run_procrun(with_events("pool", dir / "e", rest)).signaled(SIGKILL));
  CHECK(records_in(dir / "e").back().at("type") != "run_end");
  CHECK(run_procrun(with_events("pool", dir / "e", rest)).exited(0));
  CHECK(the(records_in(dir / "e"), "in_flight").at("seq") == 1);
  reap_all();
}

TEST_CASE("events go to a descriptor that the caller has opened, and commands do not get it",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn", "wait");
  CAPTURE(verb);
  const std::string path = dir / "e";
  Words rest{"sh", "-c", "ls -l /proc/self/fd"};
  if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
  const Result result = run_procrun(with_events(verb, "fd:7", rest), on_seven(path));
  CHECK(result.exited(0));
  CHECK(result.out.find(path) == std::string::npos);
  CHECK(records_in(path).back().at("type") == "run_end");
}

TEST_CASE("a descriptor that cannot take events is refused before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const auto [target, why] = GENERATE(table<std::string, std::string>(
      {{"fd:99", "descriptor 99 is not open for writing"},
       {"fd:0", "descriptor 0 is not open for writing"},
       {"fd:x", "'x'"},
       {"", "--events: '' is not a path"},
       {"/nonexistent/e", "/nonexistent/e: No such file or directory"}}));
  const std::string verb = GENERATE("pool", "spawn", "wait");
  CAPTURE(target, verb);
  Words rest{"echo", "ran"};
  if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
  const Result result = run_procrun(with_events(verb, target, rest));
  CHECK(result.exited(125));
  CHECK(result.out.empty());
  CHECK(result.err.find(why) != std::string::npos);
}

TEST_CASE("the descriptor of --events cannot be kept for commands", "[cli]") {
  const TempDir dir;
  const Result result = run_procrun(
      {"spawn", "--events", "fd:7", "--close-fds", "--keep-fd", "7", "true"}, on_seven(dir / "e"));
  CHECK(result.exited(125));
  CHECK(result.err.find("--keep-fd 7") != std::string::npos);
}

TEST_CASE("DISKFULL: events that cannot be written end the run", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("pool", "spawn", "wait");
  CAPTURE(verb);
  Words rest{"echo", "ran"};
  if (verb == "pool") rest.insert(rest.end(), {":::", "item"});
  const Result result = run_procrun(with_events(verb, "/dev/full", rest));
  CHECK(result.exited(125));
  CHECK(result.out.empty());
  CHECK(result.err.find("write to the events /dev/full: No space left on device") !=
        std::string::npos);
}

TEST_CASE("DISKFULL: where the disk is full in the middle of a run, its jobs are ended", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string verb = GENERATE("pool", "spawn", "wait");
  CAPTURE(verb);
  Words rest{"sleep", "60"};
  if (verb == "pool") rest = {"sleep", ":::", "60"};
  const Options small_disk{.in_child = [] {
    const rlimit limit{600, 600};  // so many bytes have the records before exec, and some of its
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }};
  const Result result = run_procrun(with_events(verb, dir / "e", rest), small_disk);
  CHECK(result.exited(125));
  CHECK(result.err.find("File too large") != std::string::npos);
  const std::string text = read_file(dir / "e");
  const auto whole = event_records(std::string_view{text}.substr(0, text.rfind('\n') + 1));
  CHECK(types_of(whole) == (verb == "wait" ? Types{"run_start", "job_start", "fork"}
                                           : Types{"run_start", "fork", "job_start"}));
}

}  // namespace procrun::test
