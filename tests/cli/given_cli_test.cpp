// The command gets what we were given: signals, mask, limits, descriptors, environment; and
// nothing of ours.
#include <sys/prctl.h>
#include <sys/resource.h>

#include "program.h"

namespace procrun::test {
namespace {

/// The text up to the first variable, of those of an environment, by which procrun tells a command
/// about its job: they are the last.
std::string without_what_is_told(const std::string& text) {
  const std::string nul(1, '\0');
  const auto told =
      std::min(text.find(nul + "PROCRUN_RUN_ID="), text.find(nul + "PROCRUN_ATTEMPT="));
  return told == std::string::npos ? text : text.substr(0, told + 1);
}

/// Runs `command` by itself and under procrun, in the same surroundings: it has to print the same.
void check_same(const Words& command, const Options& surroundings) {
  const Result bare = run(command, surroundings);
  REQUIRE(bare.exited(0));
  REQUIRE(!bare.out.empty());
  for (const Words& before : {Words{"spawn", "-q", "-t", "60", "--"}, Words{"spawn", "-q"},
                              Words{"wait", "-q"}, Words{"pool", "-q"}, Words{"pool", "-qu"}}) {
    CAPTURE(before);
    Words words = before;
    words.insert(words.end(), command.begin(), command.end());
    // A pool's job has its last word from the item.
    if (before[0] == "pool") words.insert(words.end() - 1, {"{}", ":::"});
    const Result result = run_procrun(words, surroundings);
    CHECK(without_what_is_told(result.out) == bare.out);
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
}

const Words kSignals{"grep", "-E", "^Sig(Blk|Ign):", "/proc/self/status"};

void ignore(std::initializer_list<int> signals) {
  for (const int one : signals) ::signal(one, SIG_IGN);
}

void block(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int one : signals) ::sigaddset(&set, one);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

TEST_CASE("T21: a SIGPIPE that we were given ignored is handed on as ignored", "[cli]") {
  const NoDescendantLeft guard;
  check_same(kSignals, {.in_child = [] { ::signal(SIGPIPE, SIG_IGN); }});
  check_same(kSignals, {.in_child = [] { ::signal(SIGPIPE, SIG_DFL); }});
}

TEST_CASE("T23: the signal mask that we were given is handed on", "[cli]") {
  const NoDescendantLeft guard;
  check_same(kSignals, {.in_child = [] { block({SIGTERM, SIGUSR1, SIGCHLD, SIGALRM, 40}); }});
  check_same(kSignals, {.in_child = [] {
               sigset_t none;
               ::sigemptyset(&none);
               ::sigprocmask(SIG_SETMASK, &none, nullptr);
             }});
}

TEST_CASE("T3: with SIGCHLD ignored by whoever started us, codes are right all the same", "[cli]") {
  const NoDescendantLeft guard;
  const auto surroundings = GENERATE(0, 1, 2);
  CAPTURE(surroundings);
  const auto in_child = [=] {
    if (surroundings != 1) ignore({SIGCHLD});
    if (surroundings != 0) block({SIGCHLD});
  };
  for (const char* verb : {"spawn", "wait"}) {
    CHECK(run_procrun({verb, "-q", "sh", "-c", "exit 3"}, {.in_child = in_child}).exited(3));
  }
  CHECK(
      run_procrun({"spawn", "-q", "-t", "0.1", "sleep", "60"}, {.in_child = in_child}).exited(124));
  CHECK(run_procrun({"pool", "-q", "-j2", "sh", "-c", "exit {}", ":::", "0", "1", "0", "2"},
                    {.in_child = in_child})
            .exited(2));
  for (const Words& lesson : {Words{"wait"}, Words{"spawn"}, Words{"pool", "--speed", "100"},
                              Words{"waitpid", "--speed", "20"}}) {
    CAPTURE(lesson);
    const Result result = run_procrun(lesson, {.in_child = in_child});
    CHECK(result.err == "");
    CHECK(result.exited(0));
  }
  check_same(kSignals, {.in_child = in_child});
}

TEST_CASE("T37: INT and QUIT that a background shell ignores stay ignored in the command",
          "[cli]") {
  const NoDescendantLeft guard;
  check_same(kSignals, {.in_child = [] { ignore({SIGINT, SIGQUIT, SIGHUP}); }});
}

TEST_CASE("T28: the command sees the descriptors of the caller and none of ours", "[cli]") {
  const NoDescendantLeft guard;
  check_same({child("cli_fds")}, {});
  check_same({child("cli_fds")}, {.in_child = [] {
               ::dup2(1, 77);
               ::dup2(0, 78);
             }});
}

TEST_CASE("what the caller passes on another descriptor can be used by the command", "[cli]") {
  const NoDescendantLeft guard;
  for (const Words& before : {Words{"spawn", "-q"}, Words{"wait", "-q"}, Words{"pool", "-q"}}) {
    CAPTURE(before);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    Words words = before;
    words.insert(words.end(), {"sh", "-c", "echo to nine >&9"});
    if (before[0] == "pool") words.insert(words.end(), {":::", "x"});
    const int end = ends[1];
    const Result result = run_procrun(words, {.in_child = [end] { ::dup2(end, 9); }});
    ::close(ends[1]);
    CHECK(read_all(ends[0]) == "to nine\n");
    ::close(ends[0]);
    CHECK(result.exited(0));
  }
}

TEST_CASE("the limits, the directory and the environment that we were given are the command's",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  check_same({"cat", "/proc/self/limits"}, {.in_child = [] {
               const rlimit files{123, 456};
               ::setrlimit(RLIMIT_NOFILE, &files);
             }});
  check_same({"cat", "/proc/self/limits"}, {});
  check_same({"pwd"}, {.cwd = dir.path().string()});
  check_same({"cat", "/proc/self/environ"},
             {.env = {"CLI_TEST=\xff a b", "NO_COLOR=1",
                      "FORCE_COLOR=", "CLICOLOR_FORCE=", "PROCRUN_SHELL=/bin/sh"}});
}

TEST_CASE("T27: COMMAND reads our stdin, and a pool's jobs an empty one", "[cli]") {
  const NoDescendantLeft guard;
  for (const char* verb : {"spawn", "wait"}) {
    CHECK(run_procrun({verb, "-q", "cat"}, {.input = "for you\n"}).out == "for you\n");
  }
  const Result result =
      run_procrun({"pool", "-q", "-k", "-j1", "sh", "-c", "cat; echo {}"}, {.input = "a\nb\nc\n"});
  CHECK(result.out == "a\nb\nc\n");
  CHECK(result.exited(0));
}

TEST_CASE("stdout and stderr of COMMAND stay apart, and stdout is COMMAND's alone", "[cli]") {
  const NoDescendantLeft guard;
  const std::string verb = GENERATE("spawn", "wait");
  const Result quiet = run_procrun({verb, "-q", "echo out; echo err >&2"});
  CHECK(quiet.out == "out\n");
  CHECK(quiet.err == "err\n");
  const Result told = run_procrun({verb, "-v", "echo out; echo err >&2"});
  CHECK(told.out == "out\n");
  CHECK(told.err.find("err\n") != std::string::npos);
}

}  // namespace procrun::test
