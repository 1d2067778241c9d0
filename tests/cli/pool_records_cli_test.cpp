// pool: what a run leaves behind for the next one, and when a run ends before its jobs have.
#include <cstdlib>
#include <random>
#include <set>

#include "program.h"

namespace procrun::test {
namespace {

/// The words, with `more` before the command.
Words pool(const Words& more, const Words& command) {
  Words words{"pool", "-q"};
  words.insert(words.end(), more.begin(), more.end());
  words.insert(words.end(), command.begin(), command.end());
  return words;
}

/// The columns of a job log that do not depend on the time, sorted by job.
Lines timeless(const std::string& log) {
  Lines lines = lines_of(log);
  for (auto& line : lines) {
    line = std::regex_replace(line, std::regex{R"(^(\d+)\t:\t\d+\.\d{3}\t {0,9}\d+\.\d{3}\t)"},
                              "$1\t:\tTIME\t");
  }
  return sorted(std::move(lines));
}

bool has_gnu_parallel() {
  return run({"sh", "-c", "parallel --version 2>/dev/null | grep -q GNU"}).exited(0);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// The keys of the jobs that the journal has begun and not ended.
std::set<std::string> in_flight(const std::string& journal) {
  std::set<std::string> keys;
  for (const auto& line : lines_of(journal)) {
    const auto at = line.find("\"key\":\"");
    if (at == std::string::npos) continue;
    const std::string key = line.substr(at + 7, 32);
    if (line.starts_with("{\"start\"")) keys.insert(key);
    if (line.starts_with("{\"end\"")) keys.erase(key);
  }
  return keys;
}

/// Kills a pool of short jobs at that many random instants, and resumes it each time.
void kill_and_resume(unsigned seed, int kills) {
  const NoDescendantLeft guard;
  const TempDir dir;
  CAPTURE(seed);
  const int jobs = 5 * kills;
  Words words{"pool", "-q", "-j2", "--journal", dir / "j", "--resume",
              // One line in one write, when it has ended.
              "sh", "-c", "sleep 0.0$(($0 % 4)); echo $0 >> $1", "{}", dir / "ran", ":::"};
  for (int i = 0; i < jobs; ++i) words.push_back(std::to_string(i));
  std::mt19937 random{seed};
  for (int kill = 0; kill < kills; ++kill) {
    auto running = start_procrun(words);
    const timespec moment{0, static_cast<long>(random() % 140'000) * 1'000};
    ::nanosleep(&moment, nullptr);
    running.send(SIGKILL);
    running.finish();
  }
  const auto interrupted = in_flight(read_file(dir / "j"));
  const Result last = run_procrun(words);
  CHECK(last.exited(0));
  CHECK(count_of(last.err, "ran when an earlier run was killed") == interrupted.size());
  CHECK(run_procrun(words).exited(0));
  const std::string journal = read_file(dir / "j");
  CHECK(in_flight(journal).empty());
  for (int i = 0; i < jobs; ++i) {
    CAPTURE(i);
    const std::string command = " " + std::to_string(i) + " " + dir / "ran" + "\"}";
    // Its key is in its start record; it ended once, however often it was begun.
    const auto at = journal.find(command);
    REQUIRE(at != std::string::npos);
    const auto key_at = journal.rfind("\"key\":\"", at) + 7;
    const std::string key = journal.substr(key_at, 32);
    std::size_t ends = 0;
    for (const auto& line : lines_of(journal)) {
      if (line.starts_with("{\"end\"") && line.find(key) != std::string::npos) ++ends;
    }
    CHECK(ends == 1);
    CHECK(count_of("\n" + read_file(dir / "ran"), "\n" + std::to_string(i) + "\n") >= 1);
  }
}

}  // namespace

TEST_CASE("a job log is the one that GNU parallel writes", "[cli]") {
  const NoDescendantLeft guard;
  if (!has_gnu_parallel()) {
    WARN("skipped: GNU parallel is not installed");
    return;
  }
  const TempDir dir;
  const Words inputs{":::",        "echo hi",      "exit 3",     "kill -TERM $$",
                     "echo e >&2", "printf 'a b'", "echo 'q  x'"};
  Words theirs{"parallel", "--joblog", dir / "theirs"};
  theirs.insert(theirs.end(), inputs.begin(), inputs.end());
  CHECK(run(theirs).exited(2));
  CHECK(run_procrun(pool({"--joblog", dir / "ours"}, inputs)).exited(2));
  CHECK(timeless(read_file(dir / "ours")) == timeless(read_file(dir / "theirs")));
}

TEST_CASE("a job log of --pipe has the bytes of each block, as GNU parallel's has", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Options input{.input = "1\n2\n3\n4\n5\n"};
  CHECK(run_procrun(pool({"--joblog", dir / "ours"}, {"--pipe", "-N2", "wc"}), input).exited(0));
  const Lines ours = timeless(read_file(dir / "ours"));
  CHECK(ours[0] == "1\t:\tTIME\t4\t24\t0\t0\twc");
  CHECK(ours[1] == "2\t:\tTIME\t4\t24\t0\t0\twc");
  CHECK(ours[2] == "3\t:\tTIME\t2\t24\t0\t0\twc");
  if (!has_gnu_parallel()) return;
  CHECK(run({"parallel", "--joblog", dir / "theirs", "--pipe", "-N2", "wc"}, input).exited(0));
  CHECK(ours == timeless(read_file(dir / "theirs")));
}

TEST_CASE("the option --resume leaves out what ended, --resume-failed runs failures again",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string record = GENERATE("--journal", "--joblog");
  CAPTURE(record);
  const auto with = [&](const Words& options, const std::string& fails, const Words& items) {
    Words words{"pool", "-q", "-k", record, dir / "record"};
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(),
                 {"sh", "-c", "echo $0; test $0 != \"$(cat $1)\"", "{}", dir / "fails"});
    words.push_back(":::");
    words.insert(words.end(), items.begin(), items.end());
    std::ofstream{dir / "fails"} << fails << "\n";
    return run_procrun(words);
  };
  CHECK(with({}, "b", {"a", "b", "c"}).out == "a\nb\nc\n");
  CHECK(with({"--resume"}, "-", {"a", "b", "c"}).out.empty());
  CHECK(with({"--resume"}, "-", {"a", "b", "c", "d"}).out == "d\n");
  CHECK(with({"--retry-failed"}, "b", {"a", "b", "c", "d", "e"}).out == "b\n");
  CHECK(with({"--resume-failed"}, "b", {"a", "b", "c", "d", "e"}).out == "b\ne\n");
  const Result mended = with({"--resume-failed"}, "-", {"a", "b", "c", "d", "e"});
  CHECK(mended.out == "b\n");
  CHECK(mended.exited(0));
  CHECK(with({"--resume-failed"}, "-", {"a", "b", "c", "d", "e"}).out.empty());
}

TEST_CASE("WRONGRESUME: with a journal a changed list of inputs leaves out nothing new", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto with = [&](const Words& items) {
    Words words{"pool", "-q", "-k", "--journal", dir / "j", "--resume", "echo", ":::"};
    words.insert(words.end(), items.begin(), items.end());
    return run_procrun(words).out;
  };
  CHECK(with({"a", "b"}) == "a\nb\n");
  CHECK(with({"new", "b", "a"}) == "new\n");
  CHECK(with({"a", "a", "b", "a"}) == "a\na\n");  // the second and the third a
  CHECK(
      run_procrun({"pool", "-q", "--journal", dir / "j", "--resume", "printf", "%s\\n", ":::", "a"})
          .out == "a\n");  // another command
}

TEST_CASE("WRONGRESUME: with a job log alone a changed list of inputs is an error", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(run_procrun({"pool", "-q", "--joblog", dir / "l", "echo", ":::", "a", "b"}).exited(0));
  const Result result =
      run_procrun({"pool", "-q", "--joblog", dir / "l", "--resume", "echo", ":::", "x", "a", "b"});
  CHECK(result.exited(125));
  CHECK(result.out.empty());
  CHECK(count_of(result.err, "job 1 was 'echo a', but now it is 'echo x'") == 1);
}

TEST_CASE("without COMMAND --retry-failed runs what the job log says has failed", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(run_procrun({"pool", "-q", "-k", "--joblog", dir / "l", "echo {}; test {} = b", ":::", "a",
                     "b", "c d"})
            .exited(2));
  const Result again = run_procrun({"pool", "-q", "-k", "--joblog", dir / "l", "--retry-failed"});
  CHECK(again.out == "a\nc d\n");
  CHECK(again.exited(2));
  CHECK(timeless(read_file(dir / "l")).size() == 1 + 3 + 2);
  CHECK(run_procrun({"pool", "--retry-failed"}).exited(125));
}

TEST_CASE("what was left out is not waited for, and --dry-run shows the rest", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(run_procrun({"pool", "-q", "--journal", dir / "j", "echo", ":::", "b", "d"}).exited(0));
  const Words rest{"pool", "-k", "--journal", dir / "j", "--resume", "echo",
                   ":::",  "a",  "b",         "c",       "d"};
  Words dry = rest;
  dry.insert(dry.begin() + 1, "--dry-run");
  const std::string before = read_file(dir / "j");
  CHECK(run_procrun(dry).out == "echo a\necho c\n");
  CHECK(read_file(dir / "j") == before);
  const Result result = run_procrun(rest);
  CHECK(result.out == "a\nc\n");
  CHECK(lines_of(result.err).back() == "pool process done: 2 jobs, 2 ok, 2 left out");
}

TEST_CASE("KILL9: with a journal no job is lost, and none that ended runs again", "[cli]") {
  kill_and_resume(1, 12);
}

TEST_CASE("KILL9: pool with a journal, killed at 50 random instants", "[cli][.trust]") {
  const char* const seed = std::getenv("PROCRUN_TRUST_SEED");
  kill_and_resume(
      seed != nullptr ? static_cast<unsigned>(std::stoul(seed)) : std::random_device{}(), 50);
}

TEST_CASE("T48: a run that resumes waits for the jobs of the one that was killed", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Words words{"pool",
                    "-q",
                    "--journal",
                    dir / "j",
                    "--resume",
                    "sh",
                    "-c",
                    "trap 'sleep 0.2; echo ended >> $0; exit 1' TERM; echo begun >> $0; "
                    "while :; do sleep 0.02; test -e $1 && exit; done",
                    dir / "told",
                    "{}",
                    ":::",
                    dir / "go"};
  auto running = start_procrun(words);
  REQUIRE(eventually([&] { return read_file(dir / "told") == "begun\n"; }));
  running.send(SIGKILL);
  std::ofstream{dir / "go"} << "\n";
  const Result result = run_procrun(words);
  running.finish();
  CHECK(result.exited(0));
  CHECK(count_of(result.err, "job 1 ran when an earlier run was killed, and is run again") == 1);
  // The first had ended, in one way or the other, before the second began.
  CHECK(matches(read_file(dir / "told"), "begun\n(ended\n)?begun\n"));
}

TEST_CASE("a file that is no record, or cannot be one, is an error before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string text = dir / "text";
  const std::string none = dir / "none";
  std::ofstream{text} << "hello\n";
  const std::vector<std::pair<Words, std::string>> cases{
      {{"--journal", text}, "it is not a journal of procrun"},
      {{"--resume", "--joblog", text}, "it is not a job log"},
      {{"--journal", none + "/j"}, "none/j: No such file or directory"},
      {{"--joblog", none + "/l"}, "none/l: No such file or directory"},
      {{"--joblog", "/dev/full"}, "write to the job log /dev/full: No space left on device"},
      {{"--journal", "/dev/full"}, "write to the journal /dev/full: No space left on device"},
      {{"--resume"}, "need a --journal or a --joblog"},
      {{"--sync"}, "--sync needs a --journal"},
  };
  for (const auto& [words, why] : cases) {
    CAPTURE(words);
    const Result result =
        run_procrun(pool(words, {"sh", "-c", "echo ran >> $0", dir / "ran", ":::", "a"}));
    CHECK(result.exited(125));
    CHECK(count_of(result.err, why) == 1);
    CHECK(lines_of(result.err).size() == 1);
    CHECK(read_file(dir / "ran").empty());
  }
}

TEST_CASE("the option --halt now ends the other jobs, and the code is that of the job", "[cli]") {
  const NoDescendantLeft guard;
  const Words rule = GENERATE(Words{"--fail-fast"}, Words{"--halt", "now,fail=1"});
  CAPTURE(rule);
  Words words{"pool", "-j2"};
  words.insert(words.end(), rule.begin(), rule.end());
  words.insert(words.end(), {"sh", "-c", "test $0 = 7 && exit 7; sleep 60", ":::", "1", "7", "2"});
  words.insert(words.end() - 4, "{}");
  const Result result = run_procrun(words);
  CHECK(result.exited(7));
  const Lines lines = lines_of(result.err);
  CHECK(matches(lines.back(),
                R"(pool process done: 2 jobs, 0 ok, 1 failed \(job 2: .*: code 7\), 1 cancelled)"));
}

TEST_CASE("the option --halt soon lets what runs end, and the code is the number of failures",
          "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-q", "-k", "-j1", "--halt", "soon,fail=2", "sh", "-c",
                                     "echo $0; exit 5", "{}", ":::", "a", "b", "c", "d"});
  CHECK(result.out == "a\nb\n");
  CHECK(result.exited(2));
}

TEST_CASE("the option --race shows the winner alone", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"pool", "-q", "-j3", "--race", "sh", "-c",
                                     "test $0 = a && exit 1; echo $0; test $0 = b || sleep 60",
                                     "{}", ":::", "a", "b", "c"});
  CHECK(result.out == "b\n");
  CHECK(result.exited(0));
  CHECK(run_procrun({"pool", "-q", "--race", "false", ":::", "a", "b"}).exited(2));
}

TEST_CASE("a percentage of jobs is one of all of them", "[cli]") {
  const NoDescendantLeft guard;
  const auto with = [](const std::string& rule) {
    return run_procrun({"pool", "-q", "-j1", "-k", "--halt", rule, "sh", "-c", "echo $0; exit $0",
                        "{}", ":::", "1", "0", "1", "0"})
        .out;
  };
  CHECK(with("soon,fail=50%") == "1\n0\n1\n");
  CHECK(with("soon,done=50%") == "1\n0\n");
  CHECK(with("soon,fail=75%") == "1\n0\n1\n0\n");
  for (const char* wrong :
       {"now", "now,fail", "now,fail=0", "never,fail=1", "soon,fail=101%", ""}) {
    CAPTURE(wrong);
    CHECK(run_procrun({"pool", "--halt", wrong, "true", ":::", "a"}).exited(125));
  }
}

TEST_CASE("USR1 lists the running jobs, also of a quiet run", "[cli]") {
  const NoDescendantLeft guard;
  auto listed = start_procrun({"pool", "-q", "-u", "-j1", child("cli_tree"), ":::", "1", "2"});
  listed.read_until(Stream::Out, "ready\n");
  listed.send(SIGUSR1);
  const std::string told = listed.read_until(Stream::Err, "cli_tree 1\n");
  CHECK(matches(told,
                "procrun: pool: 1 running, 0 ended, 0 failed\n"
                "procrun: pool: job 1 in slot 1 for [0-9.]+s: .*cli_tree 1\n"));
  listed.send(SIGTERM);
  CHECK(listed.finish().signaled(SIGTERM));
}

TEST_CASE("USR1 tells what the next job waits for while nothing but that holds it back", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto held = start_procrun(
      {"pool", "-q", "--memfree", "999T", "--events", dir / "events", "echo", ":::", "1"});
  // From then on signals are read, and only after the gate has been asked.
  REQUIRE(eventually([&] { return count_of(read_file(dir / "events"), "run_start") == 1; }));
  held.send(SIGUSR1);
  held.read_until(Stream::Err,
                  "procrun: pool: 0 running, 0 ended, 0 failed\n"
                  "procrun: pool: the next waits until as much memory as --memfree says is "
                  "available\n");
  held.send(SIGTERM);
  CHECK(held.finish().signaled(SIGTERM));

  auto delayed = start_procrun(
      {"pool", "-q", "-u", "-j2", "--delay", "1h", child("cli_tree"), ":::", "1", "2"});
  delayed.read_until(Stream::Out, "ready\n");
  delayed.send(SIGUSR1);
  delayed.read_until(Stream::Err,
                     "cli_tree 1\n"
                     "procrun: pool: the next waits until --delay has passed since the last "
                     "start\n");
  delayed.send(SIGTERM);
  CHECK(delayed.finish().signaled(SIGTERM));
}

TEST_CASE("the option --on-hup drain lets what runs end, and starts no more", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto drained = start_procrun({"pool", "-q", "-u", "-j1", "--on-hup", "drain", "sh", "-c",
                                "echo begun; while ! test -e $0; do sleep 0.02; done; echo ended",
                                dir / "go", ":::", "a", "b"});
  drained.read_until(Stream::Out, "begun\n");
  drained.send(SIGHUP);
  drained.send(SIGUSR1);  // it is read behind the other
  drained.read_until(Stream::Err, "1 running");
  std::ofstream{dir / "go"} << "\n";
  const Result result = drained.finish();
  CHECK(result.out == "begun\nended\n");
  CHECK(result.signaled(SIGHUP));  // b was not run
}

/// A job log in which `echo 1` took one second, and so on; `echo 9` failed after nine.
const std::string kLogged =
    "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n"
    "1\t:\t1795610186.780\t     1.000\t0\t2\t0\t0\techo 1\n"
    "2\t:\t1795610186.780\t    10.000\t0\t2\t0\t0\techo 10\n"
    "3\t:\t1795610186.780\t     2.000\t0\t2\t0\t0\techo 2\n"
    "4\t:\t1795610186.780\t     9.000\t0\t2\t1\t0\techo 9\n";

TEST_CASE("the option --order longest starts first what is not known, then what took longest",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto run_logged = [&](const Words& more, const Words& command) {
    write_file(dir / "log", kLogged);
    Words options{"-j1", "--order", "longest", "--joblog", dir / "log"};
    options.insert(options.end(), more.begin(), more.end());
    return run_procrun(pool(options, command));
  };
  const Words command{"echo", "{}", ":::", "1", "7", "2", "9", "10"};
  const Result result = run_logged({}, command);
  CHECK(result.out == "7\n9\n10\n2\n1\n");  // what failed tells nothing
  CHECK(result.err == "");
  CHECK(run_logged({"--dry-run"}, command).out == "echo 7\necho 9\necho 10\necho 2\necho 1\n");
  CHECK(run_logged({"-k"}, command).out == "1\n7\n2\n9\n10\n");
  // It is in the next log under its own number.
  CHECK(run_logged({}, command).exited(0));
  CHECK(read_file(dir / "log").find("\n5\t:\t") < read_file(dir / "log").find("\n1\t:\t"));
}

TEST_CASE(
    "the option --order longest arranges what stands before a barrier and what stands behind it",
    "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "log", kLogged);
  write_file(dir / "jobs", "echo 1\necho 2\n%%\necho 1\necho 10\n");
  const Result result = run_procrun(
      pool({"-j2", "-j1", "--order", "longest", "--joblog", dir / "log"}, {"-f", dir / "jobs"}));
  CHECK(result.out == "2\n1\n10\n1\n");
  CHECK(result.exited(0));
}

TEST_CASE("the option --order longest knows jobs by their content from a journal, and may resume",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string journal = dir / "journal";
  REQUIRE(
      run_procrun(pool({"-j1", "--journal", journal}, {"echo", ":::", "a", "b", "c"})).exited(0));
  // Times that are far apart, whatever the machine did.
  std::string text = read_file(dir / "journal");
  for (const char* took : {"1.5", "30.0", "2.5"}) {
    text = std::regex_replace(text, std::regex{R"("seconds":[0-9.e-]+,)"},
                              "\"took\":" + std::string{took} + ",",
                              std::regex_constants::format_first_only);
  }
  text = std::regex_replace(text, std::regex{"\"took\""}, "\"seconds\"");
  write_file(dir / "journal", text);
  const Words more{"-j1", "--journal", journal, "--order", "longest"};
  const Words command{"echo", ":::", "c", "new", "a", "b"};
  Words resumed = more;
  resumed.push_back("--resume");
  resumed.push_back("--dry-run");
  CHECK(run_procrun(pool(resumed, command)).out == "echo new\n");
  CHECK(run_procrun(pool(more, command)).out == "new\nb\nc\na\n");
}

TEST_CASE("the option --order longest says what it needs, and knows no other order", "[cli]") {
  CHECK(run_procrun(pool({"--order", "longest"}, {"echo", ":::", "a"})).err ==
        "procrun: pool: --order longest learns from a --journal or a --joblog: give one\n");
  const Result unknown = run_procrun(pool({"--order", "shortest"}, {"echo", ":::", "a"}));
  CHECK(unknown.err == "procrun: pool: --order: 'shortest' is not an order (longest)\n");
  CHECK(unknown.exited(125));
}

}  // namespace procrun::test
