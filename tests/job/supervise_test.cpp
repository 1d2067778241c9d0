#include "job/supervise.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "job/retry.h"
#include "job/supervised.h"

using namespace std::chrono_literals;
using procrun::event::Type;
using procrun::job::Job;
using procrun::job::Leftovers;
using procrun::job::Order;
using procrun::job::Outcome;
using procrun::job::Output;
using procrun::job::Policy;
using procrun::job::StopPlan;
using procrun::test::Findings;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::Scene;
using procrun::test::supervised;
using procrun::test::TempDir;
using Kind = Outcome::Kind;

namespace {

const std::string kPrograms = PROGRAMS_DIR;

/// The first signal works at once or never: there is no need to wait for it.
const StopPlan kShort{{SIGTERM, 50ms}, {SIGKILL, {}}};
/// Nothing that is asserted waits for the second step.
const StopPlan kPatient{{SIGTERM, 60s}, {SIGKILL, {}}};

Job shell(const std::string& line) { return {.argv = {"sh", "-c", line}}; }
Job family(const std::string& flags, const std::string& code = "0") {
  return {.argv = {kPrograms + "/family", flags, code}};
}

Policy capturing(Policy policy = {}) {
  policy.output.mode = Output::Capture;
  return policy;
}

/// Rings, and answers signals as it is told ("15=ignore").
Job answer(std::vector<std::string> answers, int rings = 1) {
  answers.insert(answers.begin(), {kPrograms + "/answer", std::to_string(rings)});
  return {.argv = std::move(answers)};
}

/// All that has to hold whatever a job does.
void check_left_nothing(const Findings& findings) {
  CHECK(findings.children_left == 0);
  CHECK(findings.fds_same);
  CHECK(findings.error == "");
}

}  // namespace

// --- How it ends ---

TEST_CASE("a command that ends by itself is told with its status", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings ok = supervised({.job = shell("exit 0")});
  CHECK(ok.result.outcome.kind == Kind::Ended);
  CHECK(ok.result.outcome.success());
  CHECK(ok.result.outcome.pid > 0);
  CHECK(ok.result.outcome.duration > 0ns);
  check_left_nothing(ok);
  const Findings failed = supervised({.job = shell("exit 3")});
  CHECK(failed.result.outcome.status.code() == 3);
  CHECK_FALSE(failed.result.outcome.success());
}

TEST_CASE("a command that a signal kills is told with the signal", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = shell("kill -SEGV $$")});
  CHECK(findings.result.outcome.kind == Kind::Ended);
  CHECK(findings.result.outcome.status.term_signal() == SIGSEGV);
  CHECK_FALSE(findings.result.outcome.killed);
}

TEST_CASE("a command that cannot be started is told with a shell's code", "[supervise]") {
  const NoChildLeft guard;
  const auto outcome_of = [](Scene scene) {
    Findings findings = supervised(scene);
    check_left_nothing(findings);
    CHECK(findings.result.outcome.kind == Kind::CouldNotStart);
    CHECK(findings.result.outcome.pid == 0);
    return findings.result.outcome;
  };
  CHECK(outcome_of({.job = {.argv = {"no-such-program"}}}).code == 127);
  CHECK(outcome_of({.job = {.argv = {"/etc/passwd"}}}).code == 126);
  Policy policy;
  policy.directory = "/no/such/directory";
  CHECK(outcome_of({.job = shell("true"), .policy = policy}).code == 125);
  CHECK(outcome_of({.job = {.argv = {"no-such-program"}}, .policy = capturing()}).why ==
        "cannot execute no-such-program: No such file or directory");
}

TEST_CASE("the course of a job is told in order", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = {.seq = 7, .argv = {"true"}}});
  REQUIRE(findings.events.size() == 2);
  CHECK(findings.events[0].type == Type::JobStart);
  CHECK(findings.events[1].type == Type::Exec);
  CHECK(findings.events[1].pid == findings.result.outcome.pid);
  CHECK(findings.events[1].ppid == findings.events[0].pid);
  for (const auto& event : findings.events) CHECK(event.seq == 7);
}

TEST_CASE("a job that goes well is not told of where nobody listens", "[supervise]") {
  const NoChildLeft guard;
  CHECK(supervised({.job = shell("true"), .listens = false}).events.empty());
}

TEST_CASE("T23: the command gets the signal mask that procrun was given", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = {.argv = {"grep", "^SigBlk", "/proc/self/status"}}, .policy = capturing()});
  CHECK(findings.stream(1) == "SigBlk:\t0000000000000000\n");
}

// --- Output ---

TEST_CASE("stdout and stderr are kept apart", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = {.argv = {kPrograms + "/say", "4", "out\n", "err\n"}}, .policy = capturing()});
  CHECK(findings.stream(1) == "out\n");
  CHECK(findings.stream(2) == "err\n");
  CHECK(findings.result.outcome.status.code() == 4);
  check_left_nothing(findings);
}

TEST_CASE("output is kept in the order in which it was read", "[supervise]") {
  const NoChildLeft guard;
  // Each piece is written when the one before it has been read: its pipe is empty again.
  const Findings findings =
      supervised({.job = {.argv = {kPrograms + "/turns", "1212"}}, .policy = capturing()});
  REQUIRE(findings.result.outcome.status.code() == 0);
  const std::vector<std::pair<int, std::string>> expected{
      {1, "1 at 0\n"}, {2, "2 at 1\n"}, {1, "1 at 2\n"}, {2, "2 at 3\n"}};
  CHECK(findings.frame_list() == expected);
}

TEST_CASE("with stderr merged into stdout the order is exact", "[supervise]") {
  const NoChildLeft guard;
  Policy policy = capturing();
  policy.output.merge = true;
  const Findings findings =
      supervised({.job = shell("echo a; echo b >&2; echo c; echo d >&2"), .policy = policy});
  CHECK(findings.stream(1) == "a\nb\nc\nd\n");
  CHECK(findings.stream(2) == "");
}

TEST_CASE("T30: much output goes to a file, all of it", "[supervise]") {
  const NoChildLeft guard;
  for (const std::size_t size : {65'528, 65'529, 65'536, 65'537, 1'000'000}) {
    CAPTURE(size);
    const Findings findings =
        supervised({.job = shell("head -c " + std::to_string(size) + " /dev/zero; echo error >&2"),
                    .policy = capturing()});
    const std::string out = findings.stream(1);
    CHECK(out.size() == size);
    CHECK(out.find_first_not_of('\0') == std::string::npos);
    CHECK(findings.stream(2) == "error\n");
    CHECK(findings.result.output.frames.size() <= 70'000);
    check_left_nothing(findings);
  }
}

TEST_CASE("T20: much output on both streams does not deadlock", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = shell("head -c 500000 /dev/zero >&2; head -c 500000 /dev/zero"),
                  .policy = capturing()});
  CHECK(findings.stream(1).size() == 500'000);
  CHECK(findings.stream(2).size() == 500'000);
}

TEST_CASE("T31: output that cannot be kept is an error, and leaves nothing", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const procrun::sys::Fd full = procrun::sys::open("/dev/full", O_RDWR);
  const Findings findings = supervised({.job = shell("head -c 1000000 /dev/zero; sleep 60"),
                                        .policy = capturing(),
                                        .spill_fd = full.get()});
  CHECK_THAT(findings.error, Catch::Contains("No space left on device"));
  CHECK(findings.children_left == 0);
}

TEST_CASE("a tag goes before every line of both streams", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = {.argv = {"sh", "-c", "printf 'a\\n\\nb'; printf 'c\\nd\\n' >&2"}, .tag = "T\t"},
       .policy = capturing()});
  CHECK(findings.stream(1) == "T\ta\nT\t\nT\tb");
  CHECK(findings.stream(2) == "T\tc\nT\td\n");
}

TEST_CASE("a tag goes before a line once, in however many pieces it comes", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = {.argv = {"sh", "-c", "head -c 200000 /dev/zero; echo; echo x"}, .tag = "T "},
       .policy = capturing()});
  const std::string out = findings.stream(1);
  CHECK(out.size() == 200'000 + 1 + 2 + 2 * 2);
  CHECK(out.starts_with("T "));
  CHECK(out.ends_with("\nT x\n"));
}

TEST_CASE("output beyond the bound is dropped, and that is told", "[supervise]") {
  const NoChildLeft guard;
  Policy policy = capturing();
  policy.output.most = 10;
  const Findings findings = supervised({.job = shell("printf 0123456789abc"), .policy = policy});
  CHECK(findings.stream(1) == "0123456789");
  CHECK(findings.events_of(Type::Dropped).size() == 1);
  CHECK(findings.result.outcome.success());
}

TEST_CASE("a command can be ended for what it writes beyond the bound", "[supervise]") {
  const NoChildLeft guard;
  Policy policy = capturing({.stop = kPatient});
  policy.output.most = 10;
  policy.output.end_at_most = true;
  const Findings findings =
      supervised({.job = shell("printf 0123456789abc; exec sleep 60"), .policy = policy});
  CHECK(findings.result.outcome.fault == Outcome::Fault::Output);
  CHECK(findings.result.outcome.status.term_signal() == SIGTERM);
  CHECK_FALSE(findings.result.outcome.success());
  CHECK(findings.stream(1) == "0123456789");
}

TEST_CASE("a command that writes to stderr can be made to fail", "[supervise]") {
  const NoChildLeft guard;
  Policy policy = capturing();
  policy.output.fail_on_stderr = true;
  CHECK(supervised({.job = shell("echo x"), .policy = policy}).result.outcome.success());
  const Findings findings = supervised({.job = shell("echo x >&2"), .policy = policy});
  CHECK(findings.result.outcome.fault == Outcome::Fault::Stderr);
  CHECK_FALSE(findings.result.outcome.success());
}

TEST_CASE("ends that the policy accepts are successes", "[supervise]") {
  const NoChildLeft guard;
  Policy policy;
  policy.ok_codes = {143};
  policy.ok_signals = {SIGTERM};
  CHECK(supervised({.job = shell("exit 143"), .policy = policy}).result.outcome.success());
  CHECK(supervised({.job = shell("kill -TERM $$"), .policy = policy}).result.outcome.success());
  CHECK_FALSE(supervised({.job = shell("exit 15"), .policy = policy}).result.outcome.success());
  CHECK_FALSE(
      supervised({.job = shell("kill -INT $$"), .policy = policy}).result.outcome.success());
}

// --- Time ---

TEST_CASE("a command whose time is up is ended by the stop plan", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = shell("exec sleep 60"), .policy = {.timeout = 20ms, .stop = kPatient}});
  CHECK(findings.result.outcome.kind == Kind::TimedOut);
  CHECK(findings.result.outcome.status.term_signal() == SIGTERM);
  CHECK_FALSE(findings.result.outcome.killed);
  CHECK(findings.result.outcome.duration >= 20ms);
  CHECK(findings.events_of(Type::Timeout).size() == 1);
  CHECK(findings.signals() == std::vector<int>{SIGTERM});
  check_left_nothing(findings);
}

TEST_CASE("a command that does not listen to TERM is killed", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised({.job = answer({"15=ignore"}),
                                        .policy = {.stop = kShort},
                                        .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.status.term_signal() == SIGKILL);
  CHECK(findings.result.outcome.killed);
  REQUIRE(findings.signals().size() >= 2);
  CHECK(findings.signals()[0] == SIGTERM);
  CHECK(findings.signals()[1] == SIGKILL);
  check_left_nothing(findings);
}

TEST_CASE("a command that ends in time is not told as timed out", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = shell("exit 4"), .policy = {.timeout = 20s}});
  CHECK(findings.result.outcome.kind == Kind::Ended);
  CHECK(findings.events_of(Type::Timeout).empty());
}

TEST_CASE("a command that ends well when its time is up has timed out all the same",
          "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = answer({"15=0"}, 0), .policy = {.timeout = 1s, .stop = kPatient}});
  CHECK(findings.result.outcome.kind == Kind::TimedOut);
  CHECK_FALSE(findings.result.outcome.success());
}

TEST_CASE("a stopped command still times out", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised(
      {.job = shell("kill -STOP $$; exit 0"), .policy = {.timeout = 1s, .stop = kPatient}});
  CHECK(findings.result.outcome.kind == Kind::TimedOut);
  CHECK(findings.result.outcome.status.term_signal() == SIGTERM);
  const auto stopped = findings.events_of(Type::Stopped);
  REQUIRE(stopped.size() == 1);
  CHECK(procrun::ExitStatus{stopped[0].status}.stop_signal() == SIGSTOP);
}

TEST_CASE("the steps of a stop plan are taken in their order", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised(
      {.job = answer({"2=ignore", "3=ignore"}),
       .policy = {.stop = {{SIGINT, 10ms}, {SIGQUIT, 10ms}, {SIGTERM, 60s}, {SIGKILL, {}}}},
       .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.status.term_signal() == SIGTERM);
  CHECK(findings.signals() == std::vector<int>{SIGINT, SIGQUIT, SIGTERM});
}

TEST_CASE("T54: what a command writes when it is told to end is kept", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = answer({"15=bye"}),
                                        .policy = capturing({.stop = kPatient}),
                                        .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.stream(1) == "bye\n");
}

// --- Orders ---

TEST_CASE("a job that is cancelled before it begins does not begin", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = shell("exit 0"),
                                        .policy = capturing(),
                                        .first_orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.pid == 0);
  CHECK(findings.events.empty());
  check_left_nothing(findings);
}

TEST_CASE("an order to stop ends the command with the signal that it brings", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised({.job = shell("echo >&9; exec sleep 60"),
                                        .policy = {.stop = kPatient},
                                        .orders = {{.kind = Order::Kind::Stop, .signal = SIGHUP}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.status.term_signal() == SIGHUP);
  check_left_nothing(findings);
}

TEST_CASE("a second order to stop kills, whatever signal it brings", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const int second = GENERATE(0, SIGINT);
  const Findings findings = supervised({.job = answer({"2=ring", "15=ignore"}),
                                        .policy = {.stop = kPatient},
                                        .orders = {{.kind = Order::Kind::Stop, .signal = SIGINT},
                                                   {.kind = Order::Kind::Stop, .signal = second}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.status.term_signal() == SIGKILL);
  CHECK(findings.result.outcome.killed);
  check_left_nothing(findings);
}

TEST_CASE("an attempt is not ended because the time of another is up", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = answer({"10=5", "15=6"}, 2),
                  .orders = {{.kind = Order::Kind::TimeUp, .attempt = 2},
                             {.kind = Order::Kind::Forward, .signal = SIGUSR1}}});
  CHECK(findings.result.outcome.kind == Kind::Ended);
  CHECK(findings.result.outcome.status.code() == 5);
}

TEST_CASE("a job that nobody waits for any more is ended soon", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised({.job = answer({"15=ignore"}),
                                        .policy = {.stop = kPatient},
                                        .orders = {{.kind = Order::Kind::Abandon}}});
  CHECK(findings.result.outcome.status.term_signal() == SIGKILL);
  check_left_nothing(findings);
}

TEST_CASE("a signal is passed on to the command alone", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = answer({"10=5"}), .orders = {{.kind = Order::Kind::Forward, .signal = SIGUSR1}}});
  CHECK(findings.result.outcome.kind == Kind::Ended);
  CHECK(findings.result.outcome.status.code() == 5);
}

TEST_CASE("T7: a signal that the terminal has sent is not sent again", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised(
      {.job = answer({"10=5", "12=6"}, 2),
       .orders = {{.kind = Order::Kind::Forward, .signal = SIGUSR1, .group_has_it = true},
                  {.kind = Order::Kind::Forward, .signal = SIGUSR2}}});
  CHECK(findings.result.outcome.status.code() == 6);
}

TEST_CASE("a job can be made to pause and to go on", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = shell("echo >&9; exec sleep 0.2"),
                  .orders = {{.kind = Order::Kind::Pause, .signal = SIGSTOP}}});
  CHECK(findings.stood_still == 1);
  CHECK(findings.was_stopped);
  CHECK(findings.result.outcome.success());
}

TEST_CASE("a paused job that is told to end is ended all the same", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Order::Kind kind = GENERATE(Order::Kind::Stop, Order::Kind::Abandon);
  CAPTURE(static_cast<int>(kind));
  const Findings findings =
      supervised({.job = answer({"15=ignore"}),
                  .policy = {.stop = kShort},
                  .orders = {{.kind = Order::Kind::Pause, .signal = SIGSTOP}, {.kind = kind}},
                  .at_once = true,
                  .resumes = false});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.status.term_signal() == SIGKILL);
  check_left_nothing(findings);
}

// --- The tree ---

TEST_CASE("T8: an escapee is ended with its tree", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const char* const flags = GENERATE("k9", "sk9", "dk9", "sdk9", "tsdk9");
  CAPTURE(flags);
  const Findings findings = supervised(
      {.job = family(flags), .policy = {.stop = kShort}, .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  check_left_nothing(findings);
}

TEST_CASE("what a command leaves behind is named and ended", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const char* const flags = GENERATE("", "s", "sd", "q", "sdq");
  CAPTURE(flags);
  const Findings findings =
      supervised({.job = family(flags, "3"), .policy = capturing({.stop = kPatient})});
  CHECK(findings.result.outcome.kind == Kind::Ended);
  CHECK(findings.result.outcome.status.code() == 3);
  const auto leaks = findings.events_of(Type::Leak);
  REQUIRE(leaks.size() == 1);
  CHECK(leaks[0].status == 0);
  CHECK_THAT(leaks[0].text, Catch::Contains("family"));
  check_left_nothing(findings);
}

TEST_CASE("T19: a grandchild that holds the output does not hang us, nor is its output lost",
          "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = family("sd"), .policy = capturing({.stop = kPatient})});
  CHECK(findings.stream(1) == "below\nabove\n");
  check_left_nothing(findings);
}

TEST_CASE("what a command leaves behind and does not listen to TERM is killed", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised({.job = family("tsd"), .policy = {.stop = kShort}});
  CHECK(findings.result.outcome.success());
  CHECK_FALSE(findings.result.outcome.killed);
  CHECK(findings.events_of(Type::Killed).size() >= 1);
  check_left_nothing(findings);
}

TEST_CASE("a job can be over only when all that it leaves behind has gone", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = shell("setsid sh -c 'sleep 0.3; echo late' & exit 0"),
                  .policy = capturing({.leftovers = Leftovers::Wait})});
  CHECK(findings.stream(1) == "late\n");
  CHECK(findings.events_of(Type::Leak).empty());
  check_left_nothing(findings);
}

TEST_CASE("what a command leaves behind can make it fail", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = family("s"), .policy = {.stop = kPatient, .leftovers = Leftovers::Fail}});
  CHECK(findings.result.outcome.fault == Outcome::Fault::Leak);
  CHECK_FALSE(findings.result.outcome.success());
  check_left_nothing(findings);
}

TEST_CASE("what a command leaves behind may live on, named or not", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings named = supervised({.job = family("s"), .policy = {.leftovers = Leftovers::Warn}});
  CHECK(named.result.outcome.success());
  CHECK(named.result.outcome.left_behind);
  CHECK(named.children_left == 1);
  REQUIRE(named.events_of(Type::Leak).size() == 1);
  CHECK(named.events_of(Type::Leak)[0].status == 1);
  const Findings quiet =
      supervised({.job = family("s"), .policy = {.leftovers = Leftovers::Ignore}});
  CHECK(quiet.children_left == 1);
  CHECK(quiet.events_of(Type::Leak).empty());
}

TEST_CASE("in the foreground a timeout is for the command alone", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = family("k9"),
                  .policy = {.stop = kPatient, .foreground = true, .leftovers = Leftovers::Ignore},
                  .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.status.term_signal() == SIGTERM);
  CHECK(findings.children_left == 1);
}

TEST_CASE("T4: everyone who is adopted is reaped, however many end at once", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings =
      supervised({.job = shell("i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1)); done")});
  CHECK(findings.result.outcome.success());
  check_left_nothing(findings);
}

TEST_CASE("T5: an orphan that was adopted is told when it is reaped", "[supervise]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const Findings findings = supervised({.job = family("sd"), .policy = {.stop = kPatient}});
  const auto leaks = findings.events_of(Type::Leak);
  const auto reaps = findings.events_of(Type::Reap);
  REQUIRE(leaks.size() == 1);
  REQUIRE(reaps.size() == 1);
  CHECK(reaps[0].pid == leaks[0].pid);
  CHECK(procrun::ExitStatus{reaps[0].status}.term_signal() == SIGTERM);
}

TEST_CASE("what a command and all below it used is added up", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = shell("head -c 30000000 /dev/zero | md5sum"), .policy = capturing()});
  CHECK(findings.result.outcome.usage.user + findings.result.outcome.usage.system > 0ns);
  CHECK(findings.result.outcome.usage.max_rss > 0);
}

// --- Again ---

namespace {

Policy retrying(unsigned retries, procrun::job::RetryPolicy retry = {}) {
  Policy policy = capturing({.stop = kPatient, .retries = retries});
  policy.retry = std::make_shared<const procrun::job::RetryPolicy>(std::move(retry));
  return policy;
}

/// Fails until it has been run `count` times.
Job fails_until(const std::string& file, int count) {
  return shell("echo x >> " + file + "; echo run $(wc -l < " + file + "); [ $(wc -l < " + file +
               ") -ge " + std::to_string(count) + " ]");
}

}  // namespace

TEST_CASE("T51: a job that fails is tried again as often as extra attempts are allowed",
          "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  const Findings findings =
      supervised({.job = fails_until(dir / "runs", 3), .policy = retrying(2)});
  CHECK(findings.result.outcome.success());
  CHECK(findings.result.outcome.attempts == 3);
  const auto retries = findings.events_of(Type::Retry);
  REQUIRE(retries.size() == 2);
  CHECK(retries[0].status == 2);
  CHECK(retries[0].text == "3");
  CHECK(retries[1].status == 3);
  CHECK(findings.stream(1) == "run 3\n");
  check_left_nothing(findings);
}

TEST_CASE("a job that goes on failing has the outcome of its last attempt", "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  const Findings findings =
      supervised({.job = fails_until(dir / "runs", 9), .policy = retrying(1)});
  CHECK_FALSE(findings.result.outcome.success());
  CHECK(findings.result.outcome.attempts == 2);
  CHECK(findings.stream(1) == "run 2\n");
}

TEST_CASE("a job that is cancelled is not tried again", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings = supervised({.job = shell("echo >&9; exec sleep 60"),
                                        .policy = retrying(5),
                                        .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.kind == Kind::Cancelled);
  CHECK(findings.result.outcome.attempts == 1);
}

TEST_CASE("a job can be cancelled while it waits for its next attempt", "[supervise]") {
  const NoChildLeft guard;
  procrun::job::RetryPolicy retry;
  retry.delays.list = {60s};
  // The bell rings before the first attempt ends; the order is heard then or in the pause.
  const Findings findings = supervised({.job = shell("echo >&9; exit 1"),
                                        .policy = retrying(5, retry),
                                        .orders = {{.kind = Order::Kind::Stop}}});
  CHECK(findings.result.outcome.attempts == 1);
  check_left_nothing(findings);
}

TEST_CASE("a job that cannot be started is not tried again", "[supervise]") {
  const NoChildLeft guard;
  const Findings findings =
      supervised({.job = {.argv = {"no-such-program"}}, .policy = retrying(5)});
  CHECK(findings.result.outcome.attempts == 1);
}

TEST_CASE("only failures that are worth it are tried again", "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  procrun::job::RetryPolicy retry;
  retry.reasons = procrun::job::parse_retry_reasons("code:75,match:^run 1$");
  const Findings findings =
      supervised({.job = fails_until(dir / "runs", 9), .policy = retrying(5, retry)});
  CHECK(findings.result.outcome.attempts == 2);
}

TEST_CASE("each attempt gets the same stdin", "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  const std::string input(200'000, 'i');
  const std::string line =
      "cat >> " + dir / "all" + "; [ $(wc -c < " + dir / "all" + ") -ge 600000 ]";
  SECTION("from a file") {
    procrun::test::write_file(dir / "in", input);
    const procrun::sys::Fd file = procrun::sys::open(dir / "in", O_RDONLY);
    Policy policy = retrying(5);
    policy.in = file.get();
    CHECK(supervised({.job = shell(line), .policy = policy}).result.outcome.attempts == 3);
  }
  SECTION("from a pipe") {
    procrun::sys::Pipe pipe = procrun::sys::make_pipe();
    ::fcntl(pipe.write.get(), F_SETPIPE_SZ, 1 << 20);
    procrun::test::say(pipe.write.get(), input);
    pipe.write.reset();
    Policy policy = retrying(5);
    policy.in = pipe.read.get();
    CHECK(supervised({.job = shell(line), .policy = policy}).result.outcome.attempts == 3);
  }
  SECTION("from a stretch of a file") {
    procrun::test::write_file(dir / "in", "before" + input + "after");
    const procrun::sys::Fd file = procrun::sys::open(dir / "in", O_RDONLY);
    Job job = shell(line);
    job.in = procrun::sys::Extent{.fd = file.get(), .offset = 6, .length = input.size()};
    CHECK(supervised({.job = job, .policy = retrying(5)}).result.outcome.attempts == 3);
    CHECK(procrun::test::read_file(dir / "all").find_first_not_of('i') == std::string::npos);
    CHECK(std::filesystem::file_size(dir / "all") == 600'000);
  }
}

TEST_CASE("a stretch of a file is stdin, and a command may leave it unread", "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  const std::uint64_t size = GENERATE(10, 65'536, 65'537, 3'000'000);
  procrun::test::write_file(dir / "in", std::string(4'000'000, 'i'));
  const procrun::sys::Fd file = procrun::sys::open(dir / "in", O_RDONLY);
  Job job = shell("wc -c");
  job.in = procrun::sys::Extent{.fd = file.get(), .offset = 999'999, .length = size};
  const Findings counted = supervised({.job = job, .policy = capturing()});
  check_left_nothing(counted);
  CHECK(counted.stream(1) == std::to_string(size) + "\n");
  job.argv = {"true"};
  const Findings unread = supervised({.job = job});
  check_left_nothing(unread);
  CHECK(unread.result.outcome.success());
}

TEST_CASE("a stretch that its file does not have is an error, and leaves nothing", "[supervise]") {
  const NoChildLeft guard;
  const TempDir dir;
  procrun::test::write_file(dir / "in", std::string(100'000, 'i'));
  const procrun::sys::Fd file = procrun::sys::open(dir / "in", O_RDONLY);
  Job job = shell("cat");
  job.in = procrun::sys::Extent{.fd = file.get(), .offset = 50'000, .length = 100'000};
  const Findings found = supervised({.job = job, .policy = capturing()});
  CHECK(found.error.find("become shorter") != std::string::npos);
  CHECK(found.children_left == 0);
  CHECK(found.fds_same);
}

TEST_CASE("no attempt begins after the deadline of all", "[supervise]") {
  const NoChildLeft guard;
  Policy policy = retrying(1000);
  policy.deadline = 200ms;
  const Findings findings = supervised({.job = shell("exec sleep 60"), .policy = policy});
  CHECK(findings.result.outcome.kind == Kind::TimedOut);
  check_left_nothing(findings);
}
