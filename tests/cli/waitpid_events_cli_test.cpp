// waitpid --events and --timeline: what is seen of processes that are not ours, for programs and as
// a picture. Every record is checked against the schema where it is read.
#include "background.h"
#include "report/event_records.h"
#include "strangers.h"

namespace procrun::test {
namespace {

using Types = std::vector<std::string>;

std::vector<Record> records_in(const std::string& path) { return event_records(read_file(path)); }

/// The records that speak of one process.
std::vector<Record> of_process(const std::vector<Record>& records, pid_t pid) {
  std::vector<Record> some;
  for (const auto& record : records) {
    if (record.contains("pid") && record.at("pid") == pid) some.push_back(record);
  }
  return some;
}

/// Waits until an event of that type is told of the process.
void await_event(const std::string& path, const std::string& type, pid_t pid) {
  CAPTURE(type, pid);
  REQUIRE(eventually([&] {
    const std::string text = read_file(path);
    const auto of = of_process(event_records(text.substr(0, text.rfind('\n') + 1)), pid);
    return std::any_of(of.begin(), of.end(),
                       [&](const auto& record) { return record.at("type") == type; });
  }));
}

/// The picture's lines from its title on, which no others may follow.
Lines picture_in(const std::string& text) {
  const auto title = text.find("procrun waitpid: ");
  CAPTURE(text);
  REQUIRE(title != std::string::npos);
  return lines_of(text.substr(title));
}

std::string row_of(const Lines& picture, pid_t pid) {
  return *std::find_if(picture.begin() + 3, picture.end() - 1, [&](const auto& line) {
    return (line + " ").find(number(pid) + " ") != std::string::npos;
  });
}

}  // namespace

TEST_CASE("waitpid's events are the watch of each stranger and its end, with code or signal",
          "[cli][waitpid_events]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers exits{"3"};
  Strangers dies{"s9"};
  auto running = start_procrun(
      {"waitpid", "-q", "--events", dir / "e", number(exits.pid()), number(dies.pid())});
  await_waiting(running);
  const pid_t procrun = running.pid();
  exits.release();
  await_event(dir / "e", "ended", exits.pid());
  dies.release();
  const Result result = running.finish();
  CHECK(result.exited(0));
  CHECK(result.out + result.err == "");
  const auto records = records_in(dir / "e");
  CHECK(types_of(records) == Types{"run_start", "watch", "watch", "ended", "ended", "run_end"});
  CHECK(records[0].at("pid") == procrun);
  const auto one = of_process(records, exits.pid());
  CHECK(one[0].at("ppid") == exits.parent());
  CHECK(one[0].at("name") == "strangers");
  CHECK(one[1].at("code") == 3);
  CHECK(one[1].at("signal").is_null());
  CHECK(one[1].at("core") == false);
  CHECK(one[1].at("reaped") == true);
  CHECK(one[1].at("text") == "exited with code 3");
  const auto other = of_process(records, dies.pid());
  CHECK(other[1].at("code").is_null());
  CHECK(other[1].at("signal") == 9);
  CHECK(records.back().at("text") == "2 ended");
}

TEST_CASE("the picture of strangers has procrun on top, and of each what was seen",
          "[cli][waitpid_events]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers exits{"3"};
  Strangers well{"0"};
  auto running = start_procrun({"waitpid", "-q", "--timeline", "--timeline=" + dir / "p.svg",
                                "--events", dir / "e", number(exits.pid()), number(well.pid())},
                               {.env = {"COLUMNS=100"}});
  await_waiting(running);
  const pid_t procrun = running.pid();
  exits.release();
  await_event(dir / "e", "ended", exits.pid());
  well.release();
  const Result result = running.finish();
  CHECK(result.out == "");
  const Lines picture = picture_in(result.err);
  REQUIRE(picture.size() == 7);
  CHECK(matches(picture[0], "procrun waitpid: 3 processes, .*"));
  CHECK(matches(picture[3], number(procrun) + " procrun +(━)+"));
  CHECK(matches(picture[4], number(exits.pid()) + " strangers +(━)*✗ 3"));
  CHECK(matches(picture[5], number(well.pid()) + " strangers +(━)*✓"));
  CHECK(picture[6].find("fork") == std::string::npos);
  const std::string svg = read_file(dir / "p.svg");
  CHECK(svg.find("<title>" + number(exits.pid()) + " strangers: watched from ") !=
        std::string::npos);
  CHECK(svg.find("exited with code 3 and reaped after ") != std::string::npos);
  CHECK(svg.ends_with("</svg>\n"));
}

TEST_CASE("an end that nobody tells of is null in the events, and has a sign of its own",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const State state;
  Background job{state.fork({"--name", "web", "--", "sleep", "60"})};
  const pid_t pid = job.pid();
  job.lose_supervisor();
  ::kill(pid, SIGKILL);
  reap(pid);
  const std::string events = state.dir / "e";
  const std::string svg = state.dir / "p.svg";
  const Result result =
      run_procrun({"waitpid", "-q", "--events", events, "--timeline", "--timeline=" + svg, "web"},
                  state.options());
  CHECK(result.exited(0));
  const auto records = records_in(events);
  CHECK(types_of(records) == Types{"run_start", "ended", "run_end"});
  for (const char* name : {"code", "signal", "core"}) CHECK(records[1].at(name).is_null());
  CHECK(records[1].at("text") == "has ended; how is not known: its supervisor was killed");
  const Lines picture = picture_in(result.err);
  CHECK(matches(row_of(picture, pid), number(pid) + " .*■"));
  CHECK(picture.back().find("■ ended, how is not known") != std::string::npos);
  CHECK(read_file(svg).find("ended before it could be watched, how is not known</title>") !=
        std::string::npos);
}

TEST_CASE("of a zombie that may not be inspected the events say null, never 0",
          "[cli][waitpid_events]") {
  if (!is_root()) return;
  const NoDescendantLeft guard;
  const ForAll procrun;
  Strangers stranger{"0", 1, Strangers::Parent::Keeps};
  make_zombies(stranger);
  auto running = procrun.start_as_nobody(
      {"waitpid", "-q", "--events", "fd:1", "--timeline", number(stranger.pid())});
  const Result result = running.finish();
  const auto of = of_process(event_records(result.out), stranger.pid());
  REQUIRE(types_of(of) == Types{"watch", "zombie", "ended"});
  CHECK(of[2].at("code").is_null());
  CHECK(of[2].at("signal").is_null());
  CHECK(of[2].at("reaped") == false);
  CHECK(row_of(picture_in(result.err), stranger.pid()).ends_with("░→"));
  stranger.reap();
}

TEST_CASE("a zombie whose reaping is waited for is told as one, and then its end",
          "[cli][waitpid_events]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"5", 1, Strangers::Parent::Keeps};
  auto running = start_procrun({"waitpid", "--until", "reaped", "--events", dir / "e", "--timeline",
                                number(stranger.pid())});
  await_waiting(running);
  stranger.release();
  await_event(dir / "e", "zombie", stranger.pid());
  const pid_t parent = stranger.parent();
  stranger.reap();
  const Result result = running.finish();
  CHECK(lines_of(result.err)[0] == number(stranger.pid()) + " exited with code 5");
  const auto of = of_process(records_in(dir / "e"), stranger.pid());
  REQUIRE(types_of(of) == Types{"watch", "zombie", "ended"});
  CHECK(of[1].at("ppid") == parent);
  CHECK(of[1].at("command") == "strangers");
  CHECK(of[1].at("ns") < of[2].at("ns"));
  CHECK(of[2].at("code") == 5);
  CHECK(of[2].at("reaped") == true);
  CHECK(matches(row_of(picture_in(result.err), stranger.pid()), ".*(░)+✗ 5"));
}

TEST_CASE("a zombie that counts as ended is no further seen, and not drawn as reaped",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"5", 1, Strangers::Parent::Keeps};
  make_zombies(stranger);
  const Result result =
      run_procrun({"waitpid", "-q", "--events", dir / "e", "--timeline", number(stranger.pid())});
  const auto of = of_process(records_in(dir / "e"), stranger.pid());
  REQUIRE(types_of(of) == Types{"watch", "zombie", "ended"});
  CHECK(of[2].at("code") == 5);
  CHECK(of[2].at("reaped") == false);
  const Lines picture = picture_in(result.err);
  CHECK(matches(row_of(picture, stranger.pid()), ".*(░)+→ 5"));
  CHECK(picture.back().find("reaped") == std::string::npos);
  stranger.reap();
}

TEST_CASE("stops and continuations of strangers are told while their end is waited for",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  auto running =
      start_procrun({"waitpid", "-q", "--events", dir / "e", "--timeline", number(stranger.pid())});
  await_event(dir / "e", "watch", stranger.pid());
  ::kill(stranger.pid(), SIGSTOP);
  await_event(dir / "e", "stop", stranger.pid());
  ::kill(stranger.pid(), SIGCONT);
  await_event(dir / "e", "continue", stranger.pid());
  stranger.release();
  const Result result = running.finish();
  const auto of = of_process(records_in(dir / "e"), stranger.pid());
  REQUIRE(types_of(of) == Types{"watch", "stop", "continue", "ended"});
  CHECK(of[1].at("signal").is_null());
  CHECK(matches(row_of(picture_in(result.err), stranger.pid()), ".*(╌)+(━)*(✓|■)"));
}

TEST_CASE("a stranger that is stopped as was waited for is watched no more",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  auto running = start_procrun(
      {"waitpid", "-q", "--until", "stopped", "--events", dir / "e", number(stranger.pid())});
  await_event(dir / "e", "watch", stranger.pid());
  ::kill(stranger.pid(), SIGSTOP);
  CHECK(running.finish().exited(0));
  const auto records = records_in(dir / "e");
  CHECK(types_of(records) == Types{"run_start", "watch", "stop", "unwatch", "run_end"});
  CHECK(records.back().at("text") == "1 stopped");
  ::kill(stranger.pid(), SIGCONT);
}

TEST_CASE("a waitpid that gives up tells and draws what it has seen", "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  const Words option = GENERATE(Words{"-t", "100ms"}, Words{"--nohang"});
  Words words{"waitpid", "-q", "--events", dir / "e", "--timeline"};
  words.insert(words.end(), option.begin(), option.end());
  words.push_back(number(stranger.pid()));
  const Result result = run_procrun(words);
  CHECK(result.exited(124));
  const auto records = records_in(dir / "e");
  CHECK(types_of(records) == Types{"run_start", "watch", "unwatch", "run_end"});
  CHECK(records.back().at("text") == "timed out: 1 still there");
  const Lines picture = picture_in(result.err);
  CHECK(matches(row_of(picture, stranger.pid()), ".*→"));
  CHECK(picture.back().find("→ seen no further") != std::string::npos);
}

TEST_CASE("what --on-timeout sends is told, and how it ended those that it was sent to",
          "[cli][waitpid_events]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  const Result result = run_procrun({"waitpid", "-q", "-t", "50ms", "--on-timeout", "TERM,9s,KILL",
                                     "--events", dir / "e", "--timeline", number(stranger.pid())});
  CHECK(result.exited(124));
  const auto of = of_process(records_in(dir / "e"), stranger.pid());
  REQUIRE(types_of(of).size() >= 3);
  CHECK(of[1].at("type") == "signal");
  CHECK(of[1].at("signal") == SIGTERM);
  CHECK(of.back().at("type") == "ended");
  CHECK(of.back().at("signal") == SIGTERM);
}

TEST_CASE("a waitpid that is told to end draws what it has seen, and dies of the signal",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  const int signal = GENERATE(SIGINT, SIGTERM, SIGHUP, SIGQUIT);
  CAPTURE(signal);
  auto running = start_procrun({"waitpid", "--events", dir / "e", "--timeline",
                                "--timeline=" + dir / "p.svg", number(stranger.pid())});
  await_event(dir / "e", "watch", stranger.pid());
  running.send(signal);
  const Result result = running.finish();
  CHECK(result.signaled(signal));
  const auto records = records_in(dir / "e");
  CHECK(types_of(records) == Types{"run_start", "watch", "run_end"});
  const std::string name = ::sigabbrev_np(signal);
  CHECK(records.back().at("text") == "told to end by signal " + name);
  CHECK(matches(row_of(picture_in(result.err), stranger.pid()), ".*(━)+→"));
  CHECK(read_file(dir / "p.svg").find("its end was not seen</title>") != std::string::npos);
  CHECK(is_running(stranger.pid()));
}

TEST_CASE("a waitpid that inherited a signal as ignored goes on when it comes",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  auto running = start_procrun({"waitpid", "-q", number(stranger.pid())},
                               {.in_child = [] { ::signal(SIGHUP, SIG_IGN); }});
  await_waiting(running);
  running.send(SIGHUP);
  stranger.release();
  CHECK(running.finish().exited(0));
}

TEST_CASE("a waitpid whose reader sleeps dies of the signal that tells it to end",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  while (::write(ends[1], "full", 4) > 0) {
  }
  REQUIRE(::fcntl(ends[1], F_SETFL, 0) == 0);
  auto running =
      start_procrun({"waitpid", "-q", "-e", "--json", "4194303"}, {.stdout_fd = ends[1]});
  await_waiting(running);
  running.send(SIGTERM);
  CHECK(running.finish().signaled(SIGTERM));
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_CASE("the lines of --json and the picture do not tear each other in one file",
          "[cli][waitpid_events]") {
  if (!kernel_tells()) return;
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers strangers{"i", 20};
  const int file = ::open((dir / "out").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(file != -1);
  Words words{"waitpid", "-q", "--json", "--timeline"};
  for (const auto& name : strangers.names()) words.push_back(name);
  auto running = start_procrun(words, {.stdout_fd = file, .stderr_fd = file});
  ::close(file);
  await_waiting(running);
  strangers.release();
  CHECK(running.finish().exited(0));
  const std::string text = read_file(dir / "out");
  const std::string json = text.substr(0, text.find("procrun waitpid: "));
  CHECK(records_of(json).size() == 20);
  CHECK(picture_in(text).size() == 3 + 21 + 1);
}

TEST_CASE("who joins the descendants later is watched from then on, below its parent",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Running shell{{"sh", "-c", "read x; sleep 60 & echo $!; wait; read x"},
                {.keep_stdin_open = true}};
  auto running = start_procrun({"waitpid", "-q", "--events", dir / "e", "--timeline",
                                "--descendants", number(shell.pid()), number(shell.pid())});
  await_event(dir / "e", "watch", shell.pid());
  const pid_t parent = shell.pid();
  shell.write("go\n");
  const pid_t sleep = std::stoi(shell.read_until(Stream::Out, "\n"));
  await_event(dir / "e", "watch", sleep);
  ::kill(sleep, SIGKILL);
  await_event(dir / "e", "ended", sleep);
  shell.write("end\n");
  CHECK(shell.finish().exited(0));
  const Result result = running.finish();
  const auto of = of_process(records_in(dir / "e"), sleep);
  CHECK(of[0].at("ppid") == parent);
  const Lines picture = picture_in(result.err);
  CHECK(matches(picture[4], number(parent) + " sh +(━)+.*"));
  // It may be found before its exec.
  CHECK(matches(picture[5], "└ " + number(sleep) + " (sh|sleep) +(━)*(✗|■).*"));
}

TEST_CASE("a process that is named twice is one in the events and in the picture",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Strangers stranger{"0"};
  const std::string pid = number(stranger.pid());
  auto running =
      start_procrun({"waitpid", "-q", "--json", "--events", dir / "e", "--timeline", pid, pid});
  await_event(dir / "e", "watch", stranger.pid());
  stranger.release();
  const Result result = running.finish();
  CHECK(lines_of(result.out).size() == 2);
  CHECK(types_of(records_in(dir / "e")) == Types{"run_start", "watch", "ended", "run_end"});
  CHECK(picture_in(result.err).size() == 3 + 2 + 1);
}

TEST_CASE("whom waitpid does not find is counted at the end of its events",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_procrun({"waitpid", "-q", "--events", dir / "e", "--timeline", "4194303"});
  CHECK(result.exited(127));
  const auto records = records_in(dir / "e");
  CHECK(types_of(records) == Types{"run_start", "run_end"});
  CHECK(records.back().at("text") == "0 ended, 1 not found");
  CHECK(picture_in(result.err).size() == 5);
}

TEST_CASE("DISKFULL: waitpid's record or picture that cannot be written is an error",
          "[cli][waitpid_events]") {
  const NoDescendantLeft guard;
  Strangers stranger{"0"};
  const auto fails = [&](const std::string& option, const std::string& why) {
    const Result result =
        run_procrun({"waitpid", "-q", "-t", "50ms", option, number(stranger.pid())});
    CHECK(result.exited(125));
    CHECK(result.err.ends_with("procrun: waitpid: " + why + "\n"));
  };
  fails("--events=/nonexistent/e", "/nonexistent/e: No such file or directory");
  fails("--timeline=/nonexistent/p.svg", "/nonexistent/p.svg: No such file or directory");
  fails("--events=/dev/full", "write to the events /dev/full: No space left on device");
  fails("--timeline=/dev/full", "write the picture to /dev/full: No space left on device");
  fails("--ascii", "--ascii is for the terminal's picture: say --timeline, too");
}

}  // namespace procrun::test
