#include "process/exit_status.h"

#include <signal.h>

#include <catch2/catch.hpp>

using procrun::ExitStatus;

namespace {

ExitStatus exited(int code) { return ExitStatus{code << 8}; }
ExitStatus killed(int signal, bool core = false) { return ExitStatus{signal | (core ? 0x80 : 0)}; }
ExitStatus stopped(int signal) { return ExitStatus{signal << 8 | 0x7f}; }
const ExitStatus kContinued{0xffff};

}  // namespace

TEST_CASE("a status of 0 is a success", "[exit_status]") {
  CHECK(exited(0).exited());
  CHECK(exited(0).success());
  CHECK(exited(0) == ExitStatus{});
  CHECK(exited(0).text() == "exited with code 0");
}

TEST_CASE("T11: the raw word is not the exit code", "[exit_status]") {
  CHECK(ExitStatus{512}.code() == 2);
  CHECK(ExitStatus{512}.raw() == 512);
  CHECK(exited(255).code() == 255);
  CHECK(exited(3).text() == "exited with code 3");
  CHECK_FALSE(exited(3).success());
  CHECK(exited(3).shell_code() == 3);
  CHECK(exited(3).python_code() == 3);
}

TEST_CASE("a death by signal is told apart from an exit", "[exit_status]") {
  CHECK(killed(SIGKILL).signaled());
  CHECK_FALSE(killed(SIGKILL).exited());
  CHECK_FALSE(killed(SIGKILL).success());
  CHECK(killed(SIGKILL).term_signal() == SIGKILL);
  CHECK(killed(SIGKILL).text() == "killed by signal 9 (KILL)");
}

TEST_CASE("T12: exit code 137 and a death by KILL look alike to a shell only", "[exit_status]") {
  CHECK(exited(137).shell_code() == killed(SIGKILL).shell_code());
  CHECK(exited(137) != killed(SIGKILL));
  CHECK(killed(SIGKILL).python_code() == -9);
  CHECK(exited(137).python_code() == 137);
}

TEST_CASE("a core file is told and does not change the signal", "[exit_status]") {
  CHECK(killed(SIGSEGV, true).core_dumped());
  CHECK(killed(SIGSEGV, true).term_signal() == SIGSEGV);
  CHECK(killed(SIGSEGV, true).shell_code() == 128 + SIGSEGV);
  CHECK(killed(SIGSEGV, true).text() == "killed by signal 11 (SEGV), core dumped");
  CHECK_FALSE(killed(SIGSEGV).core_dumped());
}

TEST_CASE("a stopped process has not ended", "[exit_status]") {
  CHECK(stopped(SIGSTOP).stopped());
  CHECK_FALSE(stopped(SIGSTOP).exited());
  CHECK_FALSE(stopped(SIGSTOP).signaled());
  CHECK_FALSE(stopped(SIGSTOP).success());
  CHECK(stopped(SIGTSTP).stop_signal() == SIGTSTP);
  CHECK(stopped(SIGSTOP).text() == "stopped by signal 19 (STOP)");
}

TEST_CASE("a continued process has not ended", "[exit_status]") {
  CHECK(kContinued.continued());
  CHECK_FALSE(kContinued.exited());
  CHECK_FALSE(kContinued.signaled());
  CHECK_FALSE(kContinued.stopped());
  CHECK(kContinued.text() == "continued");
}

TEST_CASE("a real-time signal is told by its distance from the first", "[exit_status]") {
  CHECK(killed(SIGRTMIN + 3).text() ==
        "killed by signal " + std::to_string(SIGRTMIN + 3) + " (RTMIN+3)");
}
