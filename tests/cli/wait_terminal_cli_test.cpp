// wait on a terminal: who stands in its foreground, Ctrl-Z, fg and bg.
#include "shell_on_terminal.h"

namespace procrun::test {
TEST_CASE("wait lends the terminal to COMMAND, and the shell has it back afterwards", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun wait -q cat /proc/self/stat");
  const std::string stat = shell.read_until("\n");
  const std::string pid = stat.substr(0, stat.find(' '));
  CHECK(group_of_process(stat) == pid);
  CHECK(foreground_of(stat) == pid);
  CHECK(shell.code() == "0");
}

TEST_CASE("T14: Ctrl-C ends COMMAND and wait, and the shell sees both die of it", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("while :; do procrun wait -q sh -c 'echo here; exec sleep 60'; done");
  shell.read_until("here\n");
  shell.press(kCtrlC);
  CHECK(shell.code() == "130");  // and so the loop is over
}

TEST_CASE("T36: Ctrl-Z stops wait with COMMAND, and fg continues both", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun wait -q cat");
  shell.type("one");
  shell.read_until("one\n");
  shell.press(kCtrlZ);
  shell.read_until("Stopped");
  shell.await_all_stopped();
  shell.type("fg");
  shell.type("two");
  shell.read_until("\ntwo\n");
  shell.press(kCtrlD);
  CHECK(shell.code() == "0");
}

TEST_CASE("bg continues both without the terminal, and COMMAND asks for it in vain", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun wait -q sh -c 'read x; echo $x; read x; echo got $x'");
  shell.type("one");
  shell.read_until("one\n");
  shell.press(kCtrlZ);
  shell.read_until("Stopped");
  shell.await_all_stopped();
  shell.type("bg; echo n''ow");
  shell.read_until("now\n");
  shell.await_all_stopped();  // again: it reads
  shell.type("fg");
  shell.type("two");
  shell.read_until("got two\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("T35: COMMAND of a wait in the background stops when it reads the terminal", "[cli]") {
  const NoDescendantLeft guard;
  const std::string group = GENERATE("-c", "-g");  // shares ours, has its own
  CAPTURE(group);
  Shell shell;
  shell.type("procrun wait -q " + group + " cat &");
  shell.await_all_stopped();
  shell.type("fg");
  shell.type("two");
  shell.read_until("\ntwo\n");
  shell.press(kCtrlD);
  CHECK(shell.code() == "0");
}

TEST_CASE("a time limit strikes a spawn in the background, too, that asks for the terminal",
          "[cli]") {
  const NoDescendantLeft guard;
  const std::string limit = GENERATE("-t 300ms", "--deadline 300ms");
  CAPTURE(limit);
  Shell shell;
  shell.type("procrun spawn -q " + limit + " cat & wait $!");
  CHECK(shell.code() == "124");
}

TEST_CASE("fg of a wait that runs in the background gives COMMAND the terminal when it asks",
          "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string group = GENERATE("-c", "-g");
  CAPTURE(group);
  Shell shell;
  shell.type("procrun wait -q " + group + " sh -c 'echo r''un; while [ ! -e " + (dir / "go") +
             " ]; do sleep 0.02; done; read x; echo got $x' &");
  shell.read_until("run\n");
  shell.type("fg");
  shell.read_until("got $x");  // the shell shows what it brings back
  write_file(dir / "go", "");
  shell.type("hello");
  shell.read_until("got hello\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("T7: Ctrl-C after fg reaches a COMMAND that has not asked for the terminal", "[cli]") {
  const NoDescendantLeft guard;
  const std::string group = GENERATE("-c", "-g");
  CAPTURE(group);
  Shell shell;
  shell.type(
      "procrun wait -q " + group +
      " sh -c 'trap \"echo g\"\"ot it; exit 3\" INT; echo r''un; while :; do sleep 0.02; done' &");
  shell.read_until("run\n");
  shell.type("fg");
  shell.await_foreground_job();
  shell.press(kCtrlC);
  shell.read_until("got it\n");
  CHECK(shell.code() == "3");
}

TEST_CASE("wait does not take the terminal from the other end of a pipeline", "[cli]") {
  const NoDescendantLeft guard;
  Shell shell;
  shell.type("procrun wait -q echo x | { read a; read b </dev/tty; echo $a-$b; }");
  shell.type("y");
  shell.read_until("x-y\n");
  CHECK(shell.code() == "0");
}

TEST_CASE("the settings of the terminal come back when COMMAND was killed, and only then",
          "[cli]") {
  const NoDescendantLeft guard;
  const auto echoes_after = [](const std::string& end) {
    Terminal terminal;
    // Unlike bash this shell does not restore them itself.
    auto running = start({"sh", "-m", "-c",
                          "\"$0\" wait -q sh -c 'stty raw -echo; " + end +
                              "'; stty -a | grep -c -e ' -echo '; stty sane",
                          kProcrun},
                         plain(on_terminal(terminal)));
    terminal.close_slave();
    const std::string text = terminal.read_rest();
    running.finish();
    CAPTURE(text);
    return text.ends_with("0\n");
  };
  CHECK(echoes_after("kill -KILL $$"));
  CHECK_FALSE(echoes_after("exit 0"));
}

TEST_CASE("T35: Ctrl-Z does not stop COMMAND where nobody could continue it", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;  // wait leads its session, as PID 1 of a container does
  auto running = start_procrun({"wait", "-q", "cat"}, on_terminal(terminal));
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

TEST_CASE("wait --session gives COMMAND the terminal of our session, if we lead it", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running =
      start_procrun({"wait", "-q", "--session", child("cli_told")}, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.type("\x03");
  CHECK(terminal.read_until("told 2\n") == "^Ctold 2\n");  // no HUP, no CONT
  running.send(SIGTERM);
  terminal.read_rest();
  CHECK(running.finish().exited(7));
}

}  // namespace procrun::test
