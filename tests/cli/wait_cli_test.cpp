// wait as a tool: what an init does.
#include "program.h"

namespace procrun::test {

TEST_CASE("wait forwards every signal that can be forwarded, and ends with COMMAND's status",
          "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  Words signals;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    const bool faulty = signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
                        signal == SIGILL || signal == SIGTRAP || signal == SIGABRT ||
                        signal == SIGSYS;
    const bool terminal = signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
    const bool other = signal == SIGKILL || signal == SIGSTOP || signal == SIGCHLD ||
                       signal == SIGPIPE || signal == SIGTERM || signal == SIGCONT;
    if (faulty || terminal || other || (signal > 31 && signal < SIGRTMIN)) continue;
    CAPTURE(signal);
    running.send(signal);
    const std::string told = "told " + std::to_string(signal) + "\n";
    CHECK(running.read_until(Stream::Out, told) == told);
  }
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out.ends_with("told 15\n"));
  CHECK(result.err == "");
  CHECK(result.exited(7));
}

TEST_CASE("wait dies of the signal that it forwarded if COMMAND dies of it", "[cli]") {
  const NoDescendantLeft guard;
  const int signal = GENERATE(SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGQUIT);
  CAPTURE(signal);
  auto running = start_procrun({"wait", "sleep", "60"});
  running.read_until(Stream::Err, "This is child process");
  running.send(signal);
  CHECK(running.finish().signaled(signal));
}

TEST_CASE("wait signals COMMAND only, and it decides what becomes of the rest", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", "sh", "-c",
                                "trap 'kill -USR1 $told; kill $told; wait $told; echo $?; exit 4' "
                                "TERM; \"$0\" >&2 & told=$!; "
                                "echo ready; while :; do sleep 0.02; done",
                                child("cli_told")});
  running.read_until(Stream::Out, "ready\n");
  running.read_until(Stream::Err, "ready\n");
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "ready\n7\n");
  CHECK(result.err == "ready\ntold 10\ntold 15\n");  // from COMMAND, in its order
  CHECK(result.exited(4));
}

TEST_CASE("wait reaps what it adopts while COMMAND runs", "[cli]") {
  const NoDescendantLeft guard;
  // kill -0 reaches a zombie too: the loop ends only when procrun has reaped the orphan.
  auto running =
      start_procrun({"wait", "-v", "sh", "-c",
                     "orphan=$( (sleep 0.1 >/dev/null & echo $!) ); echo $orphan; "
                     "while kill -0 $orphan 2>/dev/null; do sleep 0.01; done; echo gone; exit 3"});
  const Result result = running.finish();
  const Lines out = lines_of(result.out);
  REQUIRE(out.size() == 2);
  CHECK(out[1] == "gone");
  const std::string orphan = "procrun: wait: reaped adopted process " + out[0] + ": ";
  CHECK(result.err.find(orphan) != std::string::npos);
  CHECK(result.exited(3));
}

TEST_CASE("T4: wait reaps many orphans that end at once", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(
      {"wait", "-q", "sh", "-c",
       "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do (true &); done; "
       "while ps -o stat= --ppid $PPID | grep -q Z; do sleep 0.01; done; exit 6"});
  CHECK(result.err == "");
  CHECK(result.exited(6));
}

TEST_CASE("wait ends what COMMAND leaves behind, and keeps COMMAND's status", "[cli]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun({"wait", "-q", child("cli_tree"), "leave"});
  CHECK(result.out == "ready\n");
  CHECK(result.exited(5));
}

TEST_CASE("wait kills after its grace what does not heed TERM", "[cli][slow]") {
  const NoDescendantLeft guard;
  const auto begin = Clock::now();
  const Result result = run_procrun({"wait", "-q", child("cli_tree"), "deaf", "leave"});
  const auto took = Clock::now() - begin;
  CHECK(took >= seconds{5});
  CHECK(took < seconds{10});  // shorter than docker's ten seconds (T16)
  CHECK(result.exited(5));
}

TEST_CASE("Ctrl-C reaches COMMAND under wait once", "[cli]") {
  const NoDescendantLeft guard;
  Terminal terminal;
  auto running = start_procrun({"wait", "-q", child("cli_told")}, on_terminal(terminal));
  terminal.close_slave();
  terminal.read_until("ready\n");
  terminal.type("\x03");
  CHECK(terminal.read_until("told 2\n") == "^Ctold 2\n");
  running.send(SIGUSR1);
  CHECK(terminal.read_until("told 10\n") == "told 10\n");
  running.send(SIGTERM);
  terminal.read_rest();
  CHECK(running.finish().exited(7));
}

TEST_CASE("T37: wait leaves a signal alone that it was given ignored", "[cli]") {
  const NoDescendantLeft guard;
  auto running = start_procrun({"wait", "-q", child("cli_told")},
                               {.in_child = [] { ::signal(SIGINT, SIG_IGN); }});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGINT);
  running.send(SIGTERM);
  const Result result = running.finish();
  CHECK(result.out == "ready\ntold 15\n");
  CHECK(result.exited(7));
}

}  // namespace procrun::test
