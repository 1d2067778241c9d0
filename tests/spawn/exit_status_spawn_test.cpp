// The exit status, row by row, beside what coreutils' timeout makes of the same case.
#include "spawn/spawn.h"

namespace procrun::test {
namespace {

/// A case as both know it: their common options, the time, and the command.
struct Case {
  Words options;
  std::string time;
  Words command;
};

bool there_is_timeout() {
  static const bool there = run({"sh", "-c", "command -v timeout"}).status == 0;
  if (!there) WARN("skipped the comparison: there is no timeout(1)");
  return there;
}

Result by_procrun(const Case& one) {
  Words options{"-q", "-t", one.time};
  options.insert(options.end(), one.options.begin(), one.options.end());
  return run_procrun(spawn(options, one.command));
}

Result by_timeout(const Case& one) {
  Words words{"timeout"};
  words.insert(words.end(), one.options.begin(), one.options.end());
  words.emplace_back(one.time);
  words.insert(words.end(), one.command.begin(), one.command.end());
  return run(words);
}

/// `$?` of a shell.
int shell_code(const Result& result) {
  return WIFSIGNALED(result.status) ? 128 + WTERMSIG(result.status) : WEXITSTATUS(result.status);
}

/// procrun exits with `code`, and to a shell timeout looks the same: its own KILL, say, hits
/// itself too.
void both_exit(int code, const Case& one) {
  CAPTURE(code, one.options, one.time, one.command);
  CHECK(by_procrun(one).exited(code));
  if (there_is_timeout()) CHECK(shell_code(by_timeout(one)) == code);
}

const std::string kTerm = std::to_string(SIGTERM);

}  // namespace

TEST_CASE("spawn passes the command's own code through, as timeout does", "[spawn]") {
  const NoDescendantLeft guard;
  for (const int code : {0, 1, 3, 100, 124, 125, 126, 127, 137, 255}) {
    both_exit(code, {{}, "60", doing({"exit:" + std::to_string(code)})});
  }
}

TEST_CASE("spawn is 124 when the time was up, as timeout is", "[spawn]") {
  const NoDescendantLeft guard;
  both_exit(124, {{}, "0.1", doing({"pause"})});
  both_exit(124, {{"-s", "INT"}, "0.1", doing({"pause"})});
  both_exit(124, {{"-k", "30"}, "0.1", doing({"pause"})});
  // Whatever the command makes of its TERM.
  both_exit(124, {{}, "0.3", {"sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.02; done"}});
  both_exit(124, {{}, "0.3", {"sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.02; done"}});
}

TEST_CASE("spawn is 137 when KILL was needed, as timeout is", "[spawn]") {
  const NoDescendantLeft guard;
  both_exit(137, {{"-k", "0.1"}, "0.2", doing({"ignore:" + kTerm, "pause"})});
  both_exit(137, {{"-s", "KILL"}, "0.1", doing({"pause"})});
}

TEST_CASE("spawn --preserve-status is the command's own status, as timeout's is", "[spawn]") {
  const NoDescendantLeft guard;
  both_exit(128 + SIGTERM, {{"--preserve-status"}, "0.1", doing({"pause"})});
  both_exit(128 + SIGINT, {{"--preserve-status", "-s", "INT"}, "0.1", doing({"pause"})});
  both_exit(3, {{"--preserve-status"},
                "0.3",
                {"sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.02; done"}});
  both_exit(137, {{"--preserve-status", "-k", "0.1"}, "0.2", doing({"ignore:" + kTerm, "pause"})});
}

TEST_CASE("spawn --timeout-exit takes the place of 124 and of 137", "[spawn]") {
  const NoDescendantLeft guard;
  CHECK(by_procrun({{"--timeout-exit", "9"}, "100ms", doing({"pause"})}).exited(9));
  CHECK(by_procrun(
            {{"--timeout-exit", "9", "-k", "100ms"}, "200ms", doing({"ignore:" + kTerm, "pause"})})
            .exited(9));
  CHECK(by_procrun({{"--timeout-exit", "9"}, "60", doing({"exit:4"})}).exited(4));
}

TEST_CASE("spawn --ok-exit makes codes and signals a success, and no others", "[spawn]") {
  const NoDescendantLeft guard;
  const auto with = [](const std::string& list, const Words& steps) {
    return run_procrun(spawn({"-q", "--ok-exit", list}, doing(steps)));
  };
  CHECK(with("7", {"exit:7"}).exited(0));
  CHECK(with("3,7,SIG:TERM", {"exit:3"}).exited(0));
  CHECK(with("3,7,SIG:TERM", {"exit:8"}).exited(8));
  CHECK(with("SIG:TERM", {"kill:" + kTerm}).exited(0));
  CHECK(with("3,SIG:sigterm", {"kill:" + kTerm}).exited(0));
  CHECK(with("SIG:TERM", {"kill:9"}).signaled(SIGKILL));
  CHECK(with("143", {"exit:143"}).exited(0));
  CHECK(with("143", {"exit:0"}).exited(0));
}

TEST_CASE("spawn is 125 for bad usage, as timeout is", "[spawn]") {
  const NoDescendantLeft guard;
  both_exit(125, {{"--no-such-option"}, "1", {"true"}});
  both_exit(125, {{"-s", "NOSUCHSIGNAL"}, "1", {"true"}});
  both_exit(125, {{"-k", "soon"}, "1", {"true"}});
  both_exit(125, {{}, "soon", {"true"}});
  both_exit(125, {{}, "-1", {"true"}});
  CHECK(run_procrun({"spawn", "-t", "5"}).exited(125));
  CHECK(run_procrun({"spawn", "--"}).exited(125));
}

TEST_CASE("spawn refuses options that say nothing, or two things at once", "[spawn]") {
  const NoDescendantLeft guard;
  const auto refuses = [](const Words& options, const std::string& why) {
    CAPTURE(options);
    CHECK(refused(run_procrun(spawn(options, doing({"out:ran"}))), why));
  };
  for (const char* option : {"--stdin", "-o", "-e", "--lock", "-C"}) {
    refuses({option, ""}, ": '' is not a path");  // as "$UNSET" is
  }
  refuses({"--lock-wait", "1s"}, "--lock-wait needs --lock");
  refuses({"--preserve-status", "--timeout-exit", "5"}, "exclude each other");
}

TEST_CASE("spawn is 126 for what cannot be executed, and 127 for what is not there, as timeout is",
          "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  write_file(dir / "plain", "no program\n");
  both_exit(126, {{}, "5", {dir / "plain"}});
  both_exit(126, {{}, "5", {dir.path().string()}});
  both_exit(127, {{}, "5", {dir / "nowhere"}});
  both_exit(127, {{}, "5", {"no-such-program-at-all"}});
}

TEST_CASE("spawn dies of the signal that the command died of, as timeout does", "[spawn]") {
  const NoDescendantLeft guard;
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGKILL, SIGSEGV, SIGABRT, SIGUSR1, SIGPIPE}) {
    const Case one{{}, "60", doing({"kill:" + std::to_string(signal)})};
    CAPTURE(signal);
    const Result ours = by_procrun(one);
    CHECK(ours.signaled(signal));
    CHECK_FALSE(WCOREDUMP(ours.status));
    if (there_is_timeout()) CHECK(shell_code(by_timeout(one)) == 128 + signal);
  }
}

TEST_CASE("a command that spawn was told to end before it began has not succeeded", "[spawn]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP);
  CAPTURE(signal);
  // Sent before there is a procrun that could read it: it is pending, and blocked.
  const Result result = run_procrun(spawn({"-q"}, doing({"out:ran"})), {.in_child = [signal] {
                                      sigset_t set;
                                      ::sigemptyset(&set);
                                      ::sigaddset(&set, signal);
                                      ::sigprocmask(SIG_BLOCK, &set, nullptr);
                                      ::raise(signal);
                                    }});
  CHECK(result.out == "");
  CHECK(result.status != 0);
}

}  // namespace procrun::test
