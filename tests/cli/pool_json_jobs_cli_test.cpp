// pool -f: jobs as lines of JSON.
#include "program.h"
#include "report/event_records.h"

namespace procrun::test {
namespace {

/// A directory with a job file, where the jobs run.
class Scene {
 public:
  explicit Scene(const std::string& jobs) { write_file(dir_ / "jobs", jobs); }

  Result run(Words options, Options how = {}) const {
    options.insert(options.begin(), {"pool", "-f", "jobs"});
    CAPTURE(options);
    how.cwd = dir_.path().string();
    return run_procrun(options, std::move(how));
  }
  Result quiet(Words options, Options how = {}) const {
    options.insert(options.begin(), "-q");
    return run(std::move(options), std::move(how));
  }
  /// What the jobs have written to the file `log`.
  Lines log() const {
    return std::filesystem::exists(dir_ / "log") ? lines_of(read_file(dir_ / "log")) : Lines{};
  }
  std::string file(const std::string& name) const { return read_file(dir_ / name); }
  const TempDir& dir() const { return dir_; }

 private:
  TempDir dir_;
};

/// A line for a job of that name that says it in the file `log`.
std::string logs(const std::string& name, const std::string& more = "",
                 const std::string& and_then = "") {
  return R"({"name":")" + name + R"(","shell":"echo )" + name + " >> log" + and_then + "\"" +
         (more.empty() ? "" : ",") + more + "}\n";
}

/// Its jobs are in the order of their letters.
const std::string kDiamond = logs("d", R"("after":["b","c"])") + logs("b", R"("after":"a")") +
                             logs("c", R"("after":["a"])") + logs("a", "", "; sleep 0.1");

void says(const Result& result, const std::string& text) {
  CAPTURE(result.err, text);
  CHECK(result.err.find(text) != std::string::npos);
}

/// What is refused before anything is run.
void refused(const std::string& jobs, const std::string& text, const Words& options = {}) {
  CAPTURE(jobs);
  const Scene scene{"echo first >> log\n" + jobs};
  const Result result = scene.quiet(options);
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).size() == 1);
  says(result, text);
  CHECK(scene.log().empty());
}

}  // namespace

TEST_CASE("a job in JSON is executed as it is, or is a line for the shell", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{
      "{\"argv\":[\"printf\",\"<%s>\",\"a; b\",\"\",\"{}\",\"é\\n\"]}\n"
      "{\"shell\":\"echo; echo $((1 + 1)) | cat\"}\n"
      "{ echo group; }\n"
      "echo plain\n"};
  const Result result = scene.quiet({"-k"});
  CHECK(result.out == "<a; b><><{}><é\n>\n2\ngroup\nplain\n");
  CHECK(result.err == "");
  CHECK(result.exited(0));
}

TEST_CASE("a job in JSON has a place and variables of its own", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{
      R"({"shell":"pwd; echo $A ${B-none} $C $PROCRUN_SEQ ${PARALLEL_SEQ-none}","cwd":"sub",)"
      R"("env":{"A":"a","B":null,"PROCRUN_SEQ":"mine","PARALLEL_SEQ":null}})"
      "\necho $A $B $PROCRUN_SEQ; pwd\n"};
  const std::string dir = scene.dir() / "base";
  std::filesystem::create_directories(dir + "/sub");
  const Result result =
      scene.quiet({"-k", "--chdir", "base", "--env", "B=b", "--env", "C=c"}, {.env = {"A=ours"}});
  CHECK(result.out == dir + "/sub\na none c mine none\nours b 2\n" + dir + "\n");
  CHECK(result.exited(0));
}

TEST_CASE("a job in JSON that has a name is told it and is called by it", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{R"({"name":"the build","shell":"echo ${PROCRUN_JOB_NAME-none}; exit 3"})"
                    "\n{\"shell\":\"echo ${PROCRUN_JOB_NAME-none}\"}\n"};
  const Result result =
      scene.run({"-k", "-j1", "--tag", "--events", "events"}, {.env = {"PROCRUN_JOB_NAME=theirs"}});
  CHECK(result.out ==
        "the build\tthe build\n"
        "echo ${PROCRUN_JOB_NAME-none}\tnone\n");
  says(result, ": job 1, the build\n");
  says(result, "1 failed (job 1: the build: code 3)\n");
  const auto records = event_records(scene.file("events"));
  const auto start = std::find_if(records.begin(), records.end(), [](const auto& record) {
    return record.at("type") == "job_start";
  });
  REQUIRE(start != records.end());
  CHECK(start->at("name") == "the build");
  CHECK(scene.quiet({"--unset", "PROCRUN_JOB_NAME", "-k"}).out == "none\nnone\n");
}

TEST_CASE("a job in JSON has a time limit of its own, or none", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(Scene{R"({"argv":["sleep","60"],"timeout":"50ms"})"}.quiet({}).exited(1));
  CHECK(Scene{R"({"argv":["sleep","60"],"timeout":0.05})"}.quiet({"--timeout", "50"}).exited(1));
  CHECK(Scene{R"({"argv":["sleep","0.2"],"timeout":0})"}.quiet({"--timeout", "20ms"}).exited(0));
}

TEST_CASE("a job in JSON has retries of its own, and only its last attempt is shown", "[cli]") {
  const NoDescendantLeft guard;
  const std::string attempts = R"("shell":"echo $PROCRUN_ATTEMPT; sleep 0.15; )"
                               R"([ $PROCRUN_ATTEMPT = 3 ]")";
  const Scene scene{"{" + attempts + ",\"retries\":2}\n{" + attempts + "}\n"};
  const Result result = scene.quiet({"-j1", "-k"});
  CHECK(result.out == "3\n1\n");
  CHECK(result.exited(1));
  CHECK(scene.quiet({"-j1", "-k", "--retry-on", "code:9"}).exited(2));
  const Scene none{"{" + attempts + ",\"retries\":0}\n"};
  CHECK(none.quiet({"--retries", "2"}).out == "1\n");
}

TEST_CASE("by line all attempts of a job in JSON are shown, and with -k in its turn", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{
      "sleep 0.1; echo first\n"
      R"({"shell":"echo $PROCRUN_ATTEMPT; [ $PROCRUN_ATTEMPT = 2 ]","retries":1})"
      "\n"};
  const Result result = scene.quiet({"-j2", "-k", "--line-buffer"});
  CHECK(result.out == "first\n1\n2\n");
  CHECK(result.exited(0));
}

TEST_CASE("a job starts when those that it is after have ended, wherever they stand", "[cli]") {
  const NoDescendantLeft guard;
  const Words options =
      GENERATE(Words{"-j4"}, Words{"-j1"}, Words{"-j4", "-k"}, Words{"-j4", "-u"},
               Words{"-j4", "--progress", "plain"}, Words{"-j4", "--delay", "1ms"});
  const Scene scene{kDiamond};
  CHECK(scene.quiet(options).exited(0));
  const auto log = scene.log();
  REQUIRE(log.size() == 4);
  CHECK(log[0] == "a");
  CHECK(log[3] == "d");
}

TEST_CASE("many jobs wait in a chain, and many for one", "[cli]") {
  const NoDescendantLeft guard;
  std::string jobs;
  Lines expected;
  for (int i = 299; i >= 0; --i) {
    jobs += logs(number(i), i == 0 ? "" : R"("after":")" + number(i - 1) + "\"");
    jobs += R"({"argv":["true"],"after":"0"})"
            "\n";
  }
  for (int i = 0; i < 300; ++i) expected.push_back(number(i));
  const Scene scene{jobs};
  const Result result = scene.run({"-j3"});
  CHECK(result.exited(0));
  CHECK(scene.log() == expected);
  says(result, "pool process done: 600 jobs, 600 ok\n");
}

TEST_CASE("a job whose predecessor did not end well is skipped, and is no failure", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{logs("build", "", "; exit 3") + logs("test", R"("after":"build")") +
                    logs("ship", R"("after":["test"])") + logs("docs")};
  const Result result =
      scene.run({"-k", "-j1", "--joblog", "joblog", "--journal", "journal", "--events", "events"});
  CHECK(result.exited(1));
  CHECK(scene.log() == Lines{"build", "docs"});
  says(result, "job 2 is skipped: it needs 'build', which failed\n");
  says(result, "job 3 is skipped: it needs 'test', which was skipped\n");
  CHECK(lines_of(result.err).back() ==
        "pool process done: 2 jobs, 1 ok, 1 failed (job 1: build: code 3), 2 skipped (job 2 needs "
        "'build', which failed)");
  CHECK(lines_of(scene.file("joblog")).size() == 3);
  CHECK(scene.file("journal").find("test") == std::string::npos);
  const auto records = event_records(scene.file("events"));
  Lines skipped;
  for (const auto& record : records) {
    if (record.at("type") == "job_skipped") skipped.push_back(record.at("why"));
  }
  CHECK(skipped == Lines{"needs 'build', which failed", "needs 'test', which was skipped"});
  CHECK(records.back().at("skipped") == 2);
  CHECK(records.back().at("jobs") == 2);
}

TEST_CASE("a job is skipped for one that timed out or could not start, and -k goes on", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{R"({"name":"slow","argv":["sleep","60"],"timeout":0.05})"
                    "\n"
                    R"({"name":"none","argv":["/no/such/program"]})"
                    "\n"
                    R"({"argv":["echo","x"],"after":"slow"})"
                    "\n"
                    R"({"argv":["echo","y"],"after":"none"})"
                    "\necho z\n"};
  const Result result = scene.run({"-k", "-j4"});
  CHECK(result.out == "z\n");
  CHECK(result.exited(2));
  says(result, "job 3 is skipped: it needs 'slow', which timed out\n");
  says(result, "job 4 is skipped: it needs 'none', which could not start\n");
}

TEST_CASE("a job that is tried again is waited for until its last attempt", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{logs("a", R"("retries":2)", "; [ $PROCRUN_ATTEMPT = 3 ]") +
                    logs("b", R"("after":"a")")};
  CHECK(scene.quiet({"-j2"}).exited(0));
  CHECK(scene.log() == Lines{"a", "a", "a", "b"});
}

TEST_CASE("what an earlier run has ended well is not waited for", "[cli]") {
  const NoDescendantLeft guard;
  const std::string record = GENERATE("--journal", "--joblog");
  CAPTURE(record);
  const Scene scene{logs("a") + logs("b", R"("after":"a")", "; [ -e mended ]") +
                    logs("c", R"("after":["a","b"])")};
  CHECK(scene.quiet({record, "record"}).exited(1));
  CHECK(scene.log() == Lines{"a", "b"});
  // What failed is left out by --resume, so that what needs it cannot be run, which is no success.
  const Result left = scene.quiet({record, "record", "--resume"});
  CHECK(left.exited(125));
  says(left, "--resume-failed");
  CHECK(lines_of(left.err).size() == 1);
  write_file(scene.dir() / "mended", "");
  const Result result = scene.run({record, "record", "--resume-failed"});
  CHECK(result.exited(0));
  says(result, "pool process done: 2 jobs, 2 ok, 1 left out\n");
  CHECK(scene.log() == Lines{"a", "b", "b", "c"});
  CHECK(scene.quiet({record, "record", "--resume"}).exited(0));
  CHECK(scene.log().size() == 4);
}

TEST_CASE("KILL9: a graph of jobs that was killed goes on where it was", "[cli]") {
  const NoDescendantLeft guard;
  std::string jobs;
  std::string all;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "c" + number(i);
    jobs += R"({"name":")" + name + R"(","shell":"sleep 0.03; echo )" + name + " >> log\"}\n";
    all += (all.empty() ? "\"" : ",\"") + name + "\"";
  }
  const Scene scene{logs("link", R"("after":[)" + all + "]") + jobs};
  const Words words{"pool", "-q", "-j2", "-f", "jobs", "--journal", "journal", "--resume"};
  auto running = start_procrun(words, {.cwd = scene.dir().path().string()});
  REQUIRE(eventually([&] { return scene.log().size() >= 7; }));
  running.send(SIGKILL);
  running.finish();
  const std::string before = scene.file("journal");
  CHECK(run_procrun(words, {.cwd = scene.dir().path().string()}).exited(0));
  const auto log = scene.log();
  CHECK(place_of(log, "link") == static_cast<std::ptrdiff_t>(log.size()) - 1);
  for (int i = 0; i < 20; ++i) {
    CAPTURE(i);
    CHECK(std::count(log.begin(), log.end(), "c" + number(i)) >= 1);
  }
  CHECK(log.size() <= 23);  // two were in flight
  CHECK(run_procrun(words, {.cwd = scene.dir().path().string()}).exited(0));
  CHECK(scene.log() == log);
}

TEST_CASE("a run that ends before its jobs have leaves alone what waits for others", "[cli]") {
  const NoDescendantLeft guard;
  const Scene failing{logs("a", "", "; exit 7") + logs("b", R"("after":"a")") +
                      R"({"name":"s","argv":["sleep","60"]})" + "\n" + logs("c", R"("after":"s")")};
  CHECK(failing.quiet({"-j2", "--fail-fast"}).exited(7));
  CHECK(failing.log() == Lines{"a"});
  const Scene race{logs("a") + R"({"name":"s","argv":["sleep","60"]})" + "\n" +
                   logs("c", R"("after":["a","s"])")};
  CHECK(race.quiet({"-j2", "--race"}).exited(0));
  CHECK(race.log() == Lines{"a"});
  const Scene soon{logs("a") + logs("b", R"("after":"a")") + logs("c", R"("after":"b")")};
  CHECK(soon.quiet({"-j2", "--halt", "soon,done=2"}).exited(0));
  CHECK(soon.log() == Lines{"a", "b"});
  const Scene all{logs("x", "", "; false") + logs("y", R"("after":"x")") + logs("z")};
  CHECK(all.quiet({"-j1", "--halt", "soon,done=100%"}).exited(1));
  CHECK(all.log() == Lines{"x", "z"});
}

TEST_CASE("a run that waits for a job's predecessor hears a signal", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{R"({"name":"s","shell":"echo there; sleep 60"})"
                    "\n" +
                    logs("c", R"("after":"s")")};
  auto running = start_procrun({"pool", "-u", "-f", "jobs"}, {.cwd = scene.dir().path().string()});
  running.read_until(Stream::Out, "there\n");
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.signaled(SIGTERM));
  CHECK(scene.log().empty());
  CHECK(result.err.find("skipped") == std::string::npos);
}

TEST_CASE("a barrier waits for what waits for others, and order goes beyond it", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{logs("b", R"("after":"a")") + logs("a", "", "; sleep 0.1") + "%%\n" +
                    logs("c", R"("after":["a","b"])") + "%%\necho d >> log\n"};
  CHECK(scene.quiet({"-j4"}).exited(0));
  CHECK(scene.log() == Lines{"a", "b", "c", "d"});
}

TEST_CASE("a job file with a fault in it is refused before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  refused(R"({"argv":["a"],})", "procrun: pool: jobs:2: this is no JSON: column 15: ");
  refused(R"({"agrv":["a"]})", "jobs:2: there is no member \"agrv\"; did you mean 'argv'?");
  refused("\n# a\n{}\n", "jobs:4: there is neither 'argv'");
  refused(logs("a") + logs("a"), "jobs:3: the name 'a' is that of the job in jobs:2");
  refused(logs("ab") + logs("c", R"("after":"abc")"), "no job is called 'abc'; did you mean 'ab'?");
  refused(logs("a", R"("after":"b")") + logs("b", R"("after":"a")"),
          "jobs:2: 'after': these jobs wait for each other: a -> b -> a");
  refused(logs("a", R"("after":"b")") + "%%\n" + logs("b"),
          "jobs:2: 'after': no job before the barrier in line 3 is called 'b'");
  refused("%%\n" + logs("a", R"("after":"lost")"), "jobs:3: 'after': no job is called 'lost'");
  refused(R"({"argv":["a"],})", "jobs:2: ", {"--dry-run"});
}

TEST_CASE("options that leave out a job which another is after are refused", "[cli]") {
  const NoDescendantLeft guard;
  const std::string jobs = logs("a") + logs("b") + logs("c", R"("after":"a")");
  const std::string text = "jobs:4: 'after': 'a' is not among the jobs that --skip";
  refused(jobs, text, {"--skip", "2"});
  refused(logs("a") + logs("b") + logs("c", R"("after":"b")"), "jobs:4: 'after': 'b' is not among",
          {"--partition", "slice:2/2"});
  refused(logs("c", R"("after":"a")") + logs("a"), "jobs:2: 'after': 'a' is not among the jobs",
          {"--count", "2"});
  const Scene scene{jobs};
  CHECK(scene.quiet({"--skip", "1", "--count", "1"}).exited(0));
  CHECK(scene.log() == Lines{"b"});
  CHECK(scene.quiet({"--partition", "slice:1/2"}).exited(0));
  CHECK(scene.log() == Lines{"b", "a", "c"});
}

TEST_CASE("a stream of jobs is run as it comes, and a fault in it loses nothing", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  auto running = start_procrun({"pool", "-q", "-f", "-", "--joblog", "log"},
                               {.cwd = dir.path().string(), .keep_stdin_open = true});
  running.write("{\"name\":\"b\",\"argv\":[\"echo\",\"b\"],\"after\":\"a\"}\n");
  running.write("echo plain\n");
  running.read_until(Stream::Out, "plain\n");
  running.write("{\"name\":\"a\",\"argv\":[\"echo\",\"a\"]}\n");
  running.read_until(Stream::Out, "a\nb\n");
  running.write("{\"argv\":[]}\n");
  const Result result = running.finish();
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: pool: stdin:4: 'argv' is empty: its first word is the program\n");
  CHECK(lines_of(read_file(dir / "log")).size() == 4);
}

TEST_CASE("what a stream of jobs never names is an error when it ends", "[cli]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun({"pool", "-q", "-k", "-f", "-"},
                  {.input = "echo a\n{\"argv\":[\"echo\",\"b\"],\"after\":\"never\"}\n"});
  CHECK(result.exited(125));
  CHECK(result.err == "procrun: pool: stdin:2: 'after': no job is called 'never'\n");
}

namespace {

/// So many places the jobs took at the most, by what each wrote to `log`: its cost when it began,
/// and -cost when it ended.
int most_at_once(const Lines& log) {
  int most = 0;
  int now = 0;
  for (const auto& line : log) {
    now += std::stoi(line);
    most = std::max(most, now);
  }
  CHECK(now == 0);
  return most;
}

std::string of_cost(int cost) {
  const std::string text = number(cost);
  return R"({"shell":"echo )" + text + " >> log; sleep 0.02; echo -" + text +
         R"( >> log","cost":)" + text + "}\n";
}

}  // namespace

TEST_CASE("jobs take as many places as they cost", "[cli]") {
  const NoDescendantLeft guard;
  std::string jobs;
  for (int i = 0; i < 30; ++i) jobs += of_cost(1 + i * i % 4);
  jobs += "echo 1 >> log; echo -1 >> log\n";
  const Words more = GENERATE(Words{}, Words{"-k"}, Words{"--delay", "1ms"});
  const Scene scene{jobs};
  Words words{"-j4"};
  words.insert(words.end(), more.begin(), more.end());
  CHECK(scene.quiet(words).exited(0));
  CHECK(scene.log().size() == 62);
  CHECK(most_at_once(scene.log()) <= 4);
}

TEST_CASE("a job that costs more than there is has all places alone", "[cli]") {
  const NoDescendantLeft guard;
  std::string jobs;
  for (int i = 0; i < 4; ++i) jobs += of_cost(1) + of_cost(1) + of_cost(9);
  const Scene scene{jobs};
  CHECK(scene.quiet({"-j2"}).exited(0));
  CHECK(scene.log().size() == 24);
  CHECK(most_at_once(scene.log()) == 9);  // never beside a cheap one
}

TEST_CASE("jobs of which some are short and some take several places do not run at once", "[cli]") {
  const NoDescendantLeft guard;
  // Short ones are given to workers ahead of time, which must not be where a wide one counts.
  std::string jobs;
  for (int i = 0; i < 200; ++i) jobs += "echo 1 >> log; echo -1 >> log\n";
  jobs += of_cost(3);
  for (int i = 0; i < 200; ++i) jobs += "echo 1 >> log; echo -1 >> log\n";
  const Scene scene{jobs};
  CHECK(scene.quiet({"-j3"}).exited(0));
  const auto log = scene.log();
  CHECK(log.size() == 802);
  CHECK(most_at_once(log) <= 3);
  CHECK(place_of(log, "-3") == place_of(log, "3") + 1);
}

TEST_CASE("a dry run shows jobs in JSON in an order that could be run, to be pasted", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{
      R"({"argv":["ld","a.o"],"after":"a","cwd":"out dir"})"
      "\n"
      R"({"name":"a","argv":["cc","-c","a b.c"],"env":{"CFLAGS":"-O2 -g","DEBUG":null}})"
      "\n%%\n"
      R"({"argv":["sh","-c","echo x"]})"
      "\n"
      R"({"shell":"a | b"})"
      "\n"};
  const Result result = scene.quiet({"--dry-run"});
  CHECK(result.out ==
        "env -u DEBUG 'CFLAGS=-O2 -g' cc -c 'a b.c'\n"
        "(cd 'out dir' && ld a.o)\n"
        "sh -c 'echo x'\n"
        "a | b\n");
  CHECK(result.exited(0));
}

TEST_CASE("with --order longest a job still comes after those that it needs", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{logs("short") + logs("long", R"("after":"first")", "; sleep 0.2") +
                    logs("middle", "", "; sleep 0.1") + logs("first")};
  const Words words{"-j1", "--order", "longest", "--journal", "journal"};
  CHECK(scene.quiet(words).exited(0));
  CHECK(place_of(scene.log(), "first") < place_of(scene.log(), "long"));
  std::filesystem::remove(scene.dir() / "log");
  CHECK(scene.quiet(words).exited(0));
  const auto log = scene.log();
  CHECK(log.front() == "middle");
  // Once it may, it is the longest of all that are left.
  CHECK(place_of(log, "long") == place_of(log, "first") + 1);
}

TEST_CASE("the option --results files what a job in JSON wrote under its name", "[cli]") {
  const NoDescendantLeft guard;
  const Scene scene{R"({"name":"a/b","argv":["echo","x"]})"};
  CHECK(scene.quiet({"--results", "out"}).exited(0));
  CHECK(scene.file("out/1/a\\_b/stdout") == "x\n");
}

TEST_CASE("WRONGRESUME: a job in JSON that has changed is another, its limits aside", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const auto out = [&](const std::string& job) {
    write_file(dir / "jobs", job + "\n");
    return run_procrun({"pool", "-q", "-f", dir / "jobs", "--journal", dir / "journal", "--resume"})
        .out;
  };
  CHECK(out(R"({"argv":["echo","a"]})") == "a\n");
  CHECK(out(R"({"argv":["echo","a"],"timeout":9,"retries":1,"cost":2})") == "");
  CHECK(out(R"({"argv":["echo","a"],"env":{"A":"1"}})") == "a\n");
  CHECK(out(R"({"argv":["echo","a"],"cwd":"/"})") == "a\n");
  CHECK(out(R"({"shell":"echo a"})") == "a\n");
  CHECK(out(R"({"argv":["echo","b"]})") == "b\n");
  CHECK(out("echo a") == "a\n");
}

}  // namespace procrun::test
