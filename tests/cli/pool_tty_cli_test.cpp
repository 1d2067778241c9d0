// pool --tty: each job in turn has the terminal; Ctrl-C, Ctrl-Z, fg and bg.
#include "shell_on_terminal.h"

namespace procrun::test {
namespace {

void await_state(pid_t pid, const std::string& state) {
  CAPTURE(pid, state);
  REQUIRE(eventually([&] { return status_of(pid, "State").starts_with(state); }));
}

/// The pid that a job tells of its pool: `echo pool $PARALLEL_PID.`
pid_t pool_of(Shell& shell) {
  shell.read_until("pool ");
  return std::stoi(shell.read_until(".\n"));
}

std::string refusal(Words words, Options options = {}) {
  words.insert(words.begin(), {"pool", "-q", "--tty"});
  const Result result = run_procrun(words, std::move(options));
  CHECK(result.exited(125));
  CHECK(lines_of(result.err).size() == 1);
  return result.err;
}

}  // namespace

TEST_CASE("the option --tty: each job in turn has the terminal as its stdin, in its foreground",
          "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun pool -q --tty 'read x; echo g''ot {} $x' ::: a b");
  shell.type("one");
  shell.read_until("got a one\n");
  shell.type("two");
  shell.read_until("got b two\n");
  CHECK(shell.code() == "0");
  shell.type("echo /proc/self/stat | procrun pool -q --tty cat");
  const std::string stat = shell.read_until("\n");
  const std::string pid = stat.substr(0, stat.find(' '));
  CHECK(group_of_process(stat) == pid);
  CHECK(foreground_of(stat) == pid);
  CHECK(shell.code() == "0");
}

TEST_CASE("the option --tty: output is captured where it is asked for", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun pool -q --tty --tag 'read x; echo g''ot $x #' ::: a");
  shell.type("one");
  shell.read_until("a\tgot one\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("T14: Ctrl-C ends the job that has the terminal and its pool, and the shell sees that",
          "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("while :; do procrun pool -q --tty 'echo here {}; exec sleep 60' ::: a b; done");
  shell.read_until("here a\n");
  shell.press(kCtrlC);
  CHECK(shell.code() == "130");  // and so the loop is over
}

TEST_CASE("the option --tty: a job that knows what to do with Ctrl-C ends, and the next begins",
          "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type(
      "procrun pool -q --tty 'trap \"echo c''aught; exit 0\" INT; echo h''ere {}; "
      "while :; do sleep 0.02; done' ::: a b");
  for (const char* item : {"a", "b"}) {
    shell.read_until(std::string{"here "} + item + "\n");
    shell.press(kCtrlC);
    shell.read_until("caught\n");
  }
  CHECK(shell.code() == "0");
}

TEST_CASE("T36: Ctrl-Z stops the job and its pool, and fg continues both with the terminal",
          "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun pool -q --tty 'echo p''ool $PARALLEL_PID.; exec cat #' ::: a");
  const pid_t pool = pool_of(shell);
  shell.type("one");
  shell.read_until("one\n");
  for (const char* word : {"two", "three"}) {
    shell.press(kCtrlZ);
    shell.read_until("Stopped");
    await_state(pool, "T");
    shell.type("fg");
    shell.type(word);
    shell.read_until(std::string{"\n"} + word + "\n");
  }
  shell.press(kCtrlD);
  CHECK(shell.code() == "0");
}

TEST_CASE("the option --tty: in the background a job asks for the terminal in vain, until fg",
          "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun pool -q --tty 'echo p''ool $PARALLEL_PID.; read x; echo g''ot $x #' ::: a");
  const pid_t pool = pool_of(shell);
  shell.press(kCtrlZ);
  shell.read_until("Stopped");
  await_state(pool, "T");
  shell.type("bg; echo n''ow");
  shell.read_until("now\n");
  await_state(pool, "T");  // the job reads
  shell.type("fg");
  shell.type("two");
  shell.read_until("got two\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("T35: a pool with --tty that is started in the background waits there for fg", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun pool -q --tty 'read x; echo g''ot {} $x' ::: a & echo pool $!.");
  await_state(pool_of(shell), "T");
  shell.type("fg");
  shell.type("one");
  shell.read_until("got a one\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("the option --tty: Ctrl-Z stops the script that has started the pool, too", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("sh -c '\"$0\" pool -q --tty cat ::: -; echo a''fter' procrun");
  shell.type("one");
  shell.read_until("one\n");
  shell.press(kCtrlZ);
  shell.read_until("Stopped");
  shell.type("fg");
  shell.type("two");
  shell.read_until("\ntwo\n");
  shell.press(kCtrlD);
  shell.read_until("after\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("T35: Ctrl-Z does not stop a job with --tty where nobody could continue it", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;  // the pool leads its session
  auto running = start_procrun({"pool", "-q", "--tty", "cat", ":::", "-"}, on_terminal(terminal));
  terminal.close_slave();
  terminal.type("a\n");
  terminal.read_until("a\na\n");
  terminal.type("\x1a");
  terminal.type("b\n");
  terminal.read_until("b\nb\n");
  terminal.type("\x04");
  terminal.read_rest();
  CHECK(running.finish().exited(0));
}

TEST_CASE("the option --tty: the terminal comes back from a job that is ended, whoever does it",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto [option, end] =
      GENERATE(std::pair{"", "kill -KILL $$"}, std::pair{"", "kill -KILL $PPID; sleep 60"},
               std::pair{"--timeout 200ms", "sleep 60"});
  CAPTURE(option, end);
  Shell shell;
  shell.type(std::string{"procrun pool -q --tty --log-level=off "} + option + " '[ {} = b ] || { " +
             end + "; }; read x; echo g''ot {} $x' ::: a b");
  shell.type("one");
  shell.read_until("got b one\n");
  CHECK(shell.code() == "1");
}

TEST_CASE("the option --tty: the terminal's settings come back from a job that was killed alone",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto echoes_after = [](const std::string& end) {
    Terminal terminal;
    // Unlike bash this shell does not restore them itself.
    auto running = start({"sh", "-m", "-c",
                          "\"$0\" pool -q --tty 'stty raw -echo; " + end +
                              "' ::: a; stty -a | grep -c -e ' -echo '; stty sane",
                          kProcrun},
                         plain(on_terminal(terminal)));
    terminal.close_slave();
    const std::string text = terminal.read_rest();
    running.finish();
    CAPTURE(text);
    return text.ends_with("0\n");
  };
  CHECK(echoes_after("kill -KILL $$ #"));
  CHECK_FALSE(echoes_after("exit 0 #"));
}

TEST_CASE("the option --tty: without a terminal it is an error before anything runs", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  CHECK(refusal({"touch", ":::", dir / "ran"}, {.in_child = [] { ::setsid(); }}) ==
        "procrun: pool: --tty: there is no controlling terminal\n");
  CHECK_FALSE(std::filesystem::exists(dir / "ran"));
}

TEST_CASE("the option --tty: a job in JSON that would be retried is an error, named by its line",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  std::ofstream{dir / "jobs"} << R"({"argv": ["echo", "first"], "retries": 0})"
                              << "\n"
                              << R"({"argv": ["echo", "second"], "retries": 1})"
                              << "\n";
  Shell shell;
  shell.type("procrun pool -q --tty --job-file " + (dir / "jobs"));
  shell.read_until("first\n");
  shell.read_until("jobs:2: --tty: a job that has the terminal is not retried");
  CHECK(shell.code() == "125");
}

TEST_CASE("the option --tty refuses what cannot be done with one terminal", "[cli]") {
  const NoDescendantLeft guard;
  const auto has = [](const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  };
  CHECK(has(refusal({"-j2", "true", ":::", "a"}), "-j can only be 1"));
  CHECK(has(refusal({"-j", "50%", "true", ":::", "a"}), "-j can only be 1"));
  CHECK(has(refusal({"--pipe", "cat"}), "--tty and --pipe exclude each other"));
  CHECK(has(refusal({"--retries", "1", "true", ":::", "a"}), "--tty and --retries exclude"));
  const Terminal terminal;
  CHECK(has(refusal({"true"}, {.stdin_fd = terminal.slave()}), "items cannot be typed"));
  CHECK(has(refusal({"-a", "-", "true"}, {.stdin_fd = terminal.slave()}), "items cannot be typed"));
}

}  // namespace procrun::test
