// wait as an init: the flags of tini and dumb-init, and what they lack.
#include "program.h"

namespace procrun::test {
namespace {

/// COMMAND and a process beside it, both of cli_told: the one on stdout, the other on stderr.
Words both(const std::string& before = "") {
  return {"sh", "-c", before + " \"$0\" >&2 & exec \"$0\"", child("cli_told")};
}

Running start_both(Words words, const Words& command, Options options = {}) {
  words.insert(words.begin(), {"wait", "-q"});
  words.insert(words.end(), command.begin(), command.end());
  return start_procrun(words, std::move(options));
}

void await_both(Running& running) {
  running.read_until(Stream::Out, "ready\n");
  running.read_until(Stream::Err, "ready\n");
}

Result run_wait(Words options, const std::string& script, Options how = {}) {
  options.insert(options.begin(), {"wait", "-q"});
  options.insert(options.end(), {"sh", "-c", script});
  return run_procrun(options, std::move(how));
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// A line for COMMAND's shell: starts a process that does `what` on TERM, and ends with code 3 when
/// it is ready for that.
std::string leaves(const std::string& what) {
  return "sh -c 'trap \"" + what +
         "\" TERM; : >ready; while :; do sleep 0.02; done' & "
         "while [ ! -e ready ]; do sleep 0.02; done; exit 3";
}

std::string told(int signal) { return "told " + std::to_string(signal) + "\n"; }

/// The field of /proc/PID/stat behind the name: 0 the state, 1 the parent, 2 the group, 3 the
/// session.
std::string stat_field(const std::string& stat, int field) {
  std::string rest = stat.substr(stat.rfind(')') + 2);
  for (; field > 0; --field) rest.erase(0, rest.find(' ') + 1);
  return rest.substr(0, rest.find(' '));
}

/// The sum of these lines of /proc/PID/smaps_rollup, in KiB.
long kibibytes(pid_t pid, const Words& keys) {
  std::ifstream file{"/proc/" + number(pid) + "/smaps_rollup"};
  long sum = 0;
  for (std::string line; std::getline(file, line);) {
    for (const auto& key : keys) {
      if (line.starts_with(key + ":")) sum += std::stol(line.substr(key.size() + 1));
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("wait takes the flags of tini and dumb-init", "[cli]") {
  const NoDescendantLeft guard;
  const Words flags = GENERATE(
      Words{"-s"}, Words{"--subreaper"}, Words{"--init"}, Words{"-g"}, Words{"--group"},
      Words{"-w"}, Words{"--warn"}, Words{"-v"}, Words{"-v", "-v", "-v"}, Words{"-vvv"},
      Words{"-p", "SIGKILL"}, Words{"-p", "kill"}, Words{"--pdeathsig", "9"},
      Words{"--die-with-parent"}, Words{"--die-with-parent=INT"}, Words{"-e", "143"},
      Words{"--ok-exit", "143"}, Words{"--remap-exit", "143"}, Words{"-c"}, Words{"--single-child"},
      Words{"--session"}, Words{"-r", "15:3"}, Words{"--rewrite", "15:0"},
      Words{"-s", "-g", "-w", "-e", "1", "-r", "TERM:QUIT", "--"});
  CAPTURE(flags);
  Words words{"wait", "-q"};
  words.insert(words.end(), flags.begin(), flags.end());
  words.insert(words.end(), {"sh", "-c", "exit 4"});
  CHECK(run_procrun(words).exited(4));
}

TEST_CASE("wait refuses flags that contradict each other or do not parse", "[cli]") {
  const NoDescendantLeft guard;
  const auto refused = [](Words flags, const std::string& why) {
    CAPTURE(flags);
    flags.insert(flags.begin(), "wait");
    flags.insert(flags.end(), "true");
    const Result result = run_procrun(flags);
    CHECK(result.exited(125));
    CHECK(result.err == "procrun: wait: " + why + "\n");
  };
  const std::string exclude = "--single-child, --group and --tree exclude each other";
  refused({"-c", "-g"}, exclude);
  refused({"-g", "--tree"}, exclude);
  refused({"-r", "TERM"}, "--rewrite: 'TERM' is not FROM:TO (TERM:QUIT, 15:3; INT:0 drops it)");
  refused({"-r", "TERM:"}, "--rewrite: '' is not a signal (TERM, SIGTERM, 15)");
  refused({"--on-exit", "stay"}, "--on-exit: 'stay' is none of leave, term, wait, kill");
  refused({"--grace", "1s", "--on-exit", "wait"}, "--grace is for --on-exit term");
  refused({"-p", "NONE"}, "--pdeathsig: 'NONE' is not a signal (TERM, SIGTERM, 15)");
}

TEST_CASE("wait passes on what a fault would raise, if somebody sends it", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  for (const int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGPIPE,
                           SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT}) {
    CAPTURE(signal);
    running.send(signal);
    CHECK(running.read_until(Stream::Out, told(signal)) == told(signal));
  }
  running.send(SIGTERM);
  CHECK(running.finish().exited(7));
}

TEST_CASE("wait loses none of a burst of queued signals, nor what they were sent with", "[cli]") {
  const NoDescendantLeft guard;
  constexpr int kMany = 500;
  auto running = start_procrun({"wait", "-q", child("cli_queued")});
  running.read_until(Stream::Out, "ready\n");
  for (int i = 1; i <= kMany; ++i) {
    REQUIRE(::sigqueue(running.pid(), SIGRTMIN + 1, sigval{.sival_int = i}) == 0);
  }
  const std::string before = "told " + std::to_string(SIGRTMIN + 1) + " with ";
  running.read_until(Stream::Out, before + std::to_string(kMany) + "\n");
  running.send(SIGTERM);
  const Result result = running.finish();
  const Lines out = lines_of(result.out);
  REQUIRE(out.size() == kMany + 2);
  for (int i = 1; i <= kMany; ++i) {
    CHECK(out[static_cast<std::size_t>(i)] == before + std::to_string(i));
  }
  CHECK(result.exited(7));
}

TEST_CASE("T6: wait --group signals the process group, once each", "[cli]") {
  const NoDescendantLeft guard;
  const bool by_environment = GENERATE(false, true);
  const std::string name = "TINI_KILL_PROCESS_GROUP";
  auto running = start_both(by_environment ? Words{} : Words{"-g"}, both(),
                            {.env = by_environment ? Words{name + "="} : Words{}});
  await_both(running);
  running.send(SIGUSR1);
  CHECK(running.read_until(Stream::Out, told(SIGUSR1)) == told(SIGUSR1));
  CHECK(running.read_until(Stream::Err, told(SIGUSR1)) == told(SIGUSR1));
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "ready\n" + told(SIGUSR1) + told(SIGTERM));
  CHECK(result.err.starts_with("ready\n" + told(SIGUSR1) + told(SIGTERM)));
  CHECK(result.exited(7));
}

TEST_CASE("wait -c signals COMMAND alone, whatever tini's environment says", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_both({"-c"}, both(), {.env = {"TINI_KILL_PROCESS_GROUP=1"}});
  await_both(running);
  running.send(SIGUSR1);
  running.read_until(Stream::Out, told(SIGUSR1));
  running.send(SIGTERM);
  // The rest is left behind, gets TERM for that, and has not been told before.
  CHECK(running.finish().err.starts_with("ready\nprocrun: wait: warning: process "));
}

TEST_CASE("T8: wait --tree signals those behind setsid, too", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_both({"--tree"}, both("setsid"));
  await_both(running);
  running.send(SIGUSR1);
  CHECK(running.read_until(Stream::Out, told(SIGUSR1)) == told(SIGUSR1));
  CHECK(running.read_until(Stream::Err, told(SIGUSR1)) == told(SIGUSR1));
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.err.starts_with("ready\n" + told(SIGUSR1) + told(SIGTERM)));
  CHECK(result.exited(7));
}

TEST_CASE("wait --rewrite passes a signal on as another, or drops it", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(
      {"wait", "-q", "-r", "INT:RTMIN+2", "-r", "SIGUSR1:0", "-r", "1:15", child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGUSR1);
  running.send(SIGINT);
  CHECK(running.read_until(Stream::Out, told(SIGRTMIN + 2)) == told(SIGRTMIN + 2));
  running.send(SIGHUP);
  const Result result = running.finish();
  CHECK(result.out == "ready\n" + told(SIGRTMIN + 2) + told(SIGTERM));
  CHECK(result.exited(7));
}

TEST_CASE("wait --ok-exit makes a code or a death a success", "[cli]") {
  const NoDescendantLeft guard;
  CHECK(run_wait({"-e", "3"}, "exit 3").exited(0));
  CHECK(run_wait({"-e", "3"}, "exit 4").exited(4));
  CHECK(run_wait({"--remap-exit", "3,5", "-e", "7"}, "exit 5").exited(0));
  CHECK(run_wait({"-e", "3", "-e", "7"}, "exit 7").exited(0));
  CHECK(run_wait({"-e", "143"}, "kill -TERM $$").exited(0));  // as tini has it
  CHECK(run_wait({"-e", "143"}, "exit 143").exited(0));
  CHECK(run_wait({"-e", "SIG:INT"}, "kill -INT $$").exited(0));
  CHECK(run_wait({"-e", "143"}, "kill -INT $$").signaled(SIGINT));
}

TEST_CASE("wait --on-exit term names who was left, and who did not go in time", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result = run_wait({"--grace", "200ms"}, leaves(""), {.cwd = dir.path().string()});
  CHECK(contains(result.err, "was left behind and is ended: sh -c trap"));
  CHECK(contains(result.err, " had to be killed: sh -c trap"));
  CHECK(result.exited(3));
}

TEST_CASE("wait --on-exit kill leaves no time for an answer", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Result result =
      run_wait({"--on-exit", "kill"}, leaves(": >told"), {.cwd = dir.path().string()});
  CHECK(contains(result.err, "was left behind"));
  CHECK_FALSE(std::filesystem::exists(dir / "told"));
  CHECK(result.exited(3));
}

TEST_CASE("wait --on-exit leave ends with COMMAND", "[cli]") {
  const NoDescendantLeft guard;
  Options until_exit;
  until_exit.until_exit = true;
  const Result result = run_procrun(
      {"wait", "-q", "--on-exit", "leave", "sh", "-c", "sleep 60 & echo $!; exit 3"}, until_exit);
  CHECK(result.exited(3));
  CHECK(result.err == "");
  const auto left = static_cast<pid_t>(std::stoi(result.out));
  CHECK(is_running(left));
  ::kill(left, SIGKILL);
}

TEST_CASE("wait --on-exit wait ends with the last of them, and signals are for those", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", "--on-exit", "wait", "sh", "-c",
                                "\"$0\" & echo $$ >&2; exit 3", child("cli_told")});
  const std::string pid = running.read_until(Stream::Err, "\n");
  running.read_until(Stream::Out, "ready\n");
  REQUIRE(eventually([&] { return status_of(std::stoi(pid), "State").empty(); }));
  running.send(SIGUSR1);
  running.read_until(Stream::Out, told(SIGUSR1));
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out.ends_with(told(SIGUSR1) + told(SIGTERM)));
  CHECK(result.exited(3));
}

TEST_CASE("T10: wait --die-with-parent ends when its parent dies, and COMMAND when wait does",
          "[cli]") {
  const NoDescendantLeft guard;
  SECTION("the parent dies") {
    const std::string flag = GENERATE("--die-with-parent", "--die-with-parent=TERM", "-pTERM");
    CAPTURE(flag);
    auto running = start({"sh", "-c", "\"$0\" wait -q " + flag + " \"$1\" & read _; kill -9 $$",
                          kProcrun, child("cli_told")},
                         plain({.keep_stdin_open = true}));
    running.read_until(Stream::Out, "ready\n");
    running.write("\n");
    const Result result = running.finish();  // at the end of all who hold its output
    CHECK(result.out == "ready\n" + told(SIGTERM));
    CHECK(result.signaled(SIGKILL));
  }
  SECTION("wait dies") {
    auto running = start_procrun({"wait", "-q", "-p", "term", child("cli_told")});
    running.read_until(Stream::Out, "ready\n");
    running.send(SIGKILL);
    const Result result = running.finish();
    CHECK(result.out == "ready\n" + told(SIGTERM));
    CHECK(result.signaled(SIGKILL));
  }
}

TEST_CASE("wait --session gives COMMAND a session of its own", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"wait", "-q", "--session", "cat", "/proc/self/stat"});
  const std::string pid = result.out.substr(0, result.out.find(' '));
  CHECK(stat_field(result.out, 3) == pid);
  CHECK(result.exited(0));
}

TEST_CASE("wait tells of what it reaps with -w", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"wait", "-q", "-w", "sh", "-c",
                                     "orphan=$( (sleep 0.05 >/dev/null & echo $!) ); echo $orphan; "
                                     "while kill -0 $orphan 2>/dev/null; do sleep "
                                     "0.01; done"});
  const std::string orphan = result.out.substr(0, result.out.find('\n'));
  CHECK(contains(result.err, "procrun: wait: warning: reaped adopted process " + orphan + ": "));
  CHECK(result.exited(0));
}

TEST_CASE("wait heeds TINI_VERBOSITY, but its own options more", "[cli]") {
  const NoDescendantLeft guard;
  const auto warns = [](const std::string& verbosity, Words options) {
    options.insert(options.begin(), {"wait", "-q", "-w"});
    options.insert(options.end(), {"sh", "-c", "(sleep 0.02 &); sleep 0.2"});
    const Result result = run_procrun(options, {.env = {"TINI_VERBOSITY=" + verbosity}});
    CHECK(result.exited(0));
    return contains(result.err, "reaped");
  };
  CHECK(warns("1", {}));
  CHECK_FALSE(warns("0", {}));
  CHECK(warns("0", {"--log-level", "warn"}));
  CHECK(warns("much", {}));
}

TEST_CASE("T3: wait works where CHLD is ignored, and COMMAND gets that back", "[cli]") {
  const NoDescendantLeft guard;
  Options ignoring;
  ignoring.in_child = [] { ::signal(SIGCHLD, SIG_IGN); };
  const Words look{"grep", "SigIgn", "/proc/self/status"};
  CHECK(run_procrun({"wait", "-q", look[0], look[1], look[2]}, ignoring).out ==
        run(look, ignoring).out);
  CHECK(run_procrun({"wait", "-q", "sh", "-c", "exit 5"}, ignoring).exited(5));
}

TEST_CASE("wait sleeps while COMMAND does, in at most 1 MiB of its own", "[cli][slow]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  const timespec while_settling{1, 0};
  ::nanosleep(&while_settling, nullptr);
  CHECK(eventually([&] {
    return kSanitized || kibibytes(running.pid(), {"Private_Clean", "Private_Dirty"}) <= 1024;
  }));
  const auto switches = [&] { return status_of(running.pid(), "voluntary_ctxt_switches"); };
  const std::string before = switches();
  const timespec while_idle{3, 0};  // tini would have looked three times
  ::nanosleep(&while_idle, nullptr);
  CHECK(switches() == before);
  running.send(SIGTERM);
  CHECK(running.finish().exited(7));
}

namespace {

/// Asks scripts/init-table; where no namespace can be made, it is told why nothing was checked.
void check_as_pid_1(const std::string& check) {
  CAPTURE(check);
  Options options;
  options.timeout = seconds{55};
  const Result result = run({std::string{SCRIPTS_DIR} + "/init-table", "--procrun", kProcrun,
                             "--only", check, "procrun wait"},
                            options);
  if (result.exited(2)) {
    WARN(result.out);
    return;
  }
  CHECK(result.exited(0));
  CHECK(contains(result.out, " yes |"));
}

}  // namespace

TEST_CASE("as PID 1 wait reaps a thousand orphans, and none stays a zombie", "[cli][slow]") {
  const NoDescendantLeft guard;
  check_as_pid_1("thousand_orphans");
}

TEST_CASE("as PID 1 wait sleeps while COMMAND does", "[cli][slow]") {
  const NoDescendantLeft guard;
  check_as_pid_1("no_idle_wakeups");
}

TEST_CASE("as PID 1 wait ends with what COMMAND ended with", "[cli]") {
  const NoDescendantLeft guard;
  check_as_pid_1(GENERATE("code_comes_back", "death_is_told", "not_found_is_127",
                          "not_executable_is_126", "asked_for_end_is_success"));
}

TEST_CASE("T15: as PID 1 wait passes signals on", "[cli]") {
  const NoDescendantLeft guard;
  check_as_pid_1(GENERATE("term_reaches_child", "real_time_signals", "abort_that_is_sent", "group",
                          "escapees_are_told", "rewrites"));
}

TEST_CASE("as PID 1 wait gives COMMAND the signals that it was given", "[cli]") {
  const NoDescendantLeft guard;
  check_as_pid_1(GENERATE("signals_as_given", "chld_ignored"));
}

TEST_CASE("as PID 1 wait gives what is left behind its time", "[cli]") {
  const NoDescendantLeft guard;
  check_as_pid_1("leftover_may_say_goodbye");
}

TEST_CASE("T16: as PID 1 wait warns of a grace that is no shorter than docker's", "[cli]") {
  const NoDescendantLeft guard;
  Words as_pid_1{"unshare", "--pid", "--fork", "--mount-proc", "--kill-child"};
  if (::geteuid() != 0) as_pid_1.insert(as_pid_1.begin() + 1, {"--user", "--map-root-user"});
  Words nothing = as_pid_1;
  nothing.emplace_back("true");
  if (const Result made = run(nothing); !made.exited(0)) {
    WARN("skipped: no pid namespace can be made here: " << made.err);
    return;
  }
  const auto said = [](Words before, const Words& flags) {
    before.insert(before.end(), {kProcrun, "wait", "-q"});
    before.insert(before.end(), flags.begin(), flags.end());
    before.insert(before.end(), {"sh", "-c", "exit 3"});
    const Result result = run(before, plain({}));
    CHECK(result.exited(3));
    return result.err;
  };
  CHECK(said(as_pid_1, {"--grace", "10s"}) ==
        "procrun: wait: warning: --grace is no shorter than the 10 s that docker stop allows "
        "before it kills all\n");
  CHECK(said(as_pid_1, {"--grace", "9.9s"}) == "");
  CHECK(said(as_pid_1, {}) == "");
  CHECK(said({}, {"--grace", "10s"}) == "");
}

}  // namespace procrun::test
