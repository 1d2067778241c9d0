#include "sys/tty.h"

#include <pty.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>

#include "support.h"
#include "sys/signals.h"

namespace procrun::test {
namespace {

using sys::Terminal;

/// Runs `ask` in a child with all signals blocked; whether it returned true.
bool holds_in_child(const std::function<bool()>& ask) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    const sigset_t all = sys::every_signal();
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    bool holds = false;
    try {
      holds = ask();
    } catch (...) {
    }
    ::_exit(holds ? 0 : 1);
  }
  int status = -1;
  while (::waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
  return status == 0;
}

/// The same, as the leader of a session that has a terminal.
bool holds_on_terminal(const std::function<bool(Terminal&)>& ask) {
  int master = -1;
  int slave = -1;
  if (::openpty(&master, &slave, nullptr, nullptr, nullptr) == -1) return false;
  const bool holds = holds_in_child([&] {
    ::setsid();
    if (::ioctl(slave, TIOCSCTTY, 0) == -1) return false;
    auto terminal = Terminal::controlling();
    return terminal && ask(*terminal);
  });
  ::close(master);
  ::close(slave);
  return holds;
}

/// A child in a process group of its own, killed at the end.
class Grouped {
 public:
  Grouped() : pid_{::fork()} {
    if (pid_ == 0) {
      for (;;) ::pause();
    }
    ::setpgid(pid_, pid_);
  }
  ~Grouped() { end(); }
  Grouped(const Grouped&) = delete;
  Grouped& operator=(const Grouped&) = delete;
  pid_t group() const { return pid_; }
  void end() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("a process without a controlling terminal has none", "[tty]") {
  const NoChildLeft guard;
  CHECK(holds_in_child([] {
    ::setsid();
    return !Terminal::controlling();
  }));
}

TEST_CASE("a terminal is lent to a group and taken back", "[tty]") {
  const NoChildLeft guard;
  const SameOpenFds fds;
  CHECK(holds_on_terminal([](Terminal& terminal) {
    const Grouped child;
    return terminal.is_ours() && terminal.lend(child.group()) && !terminal.is_ours() &&
           terminal.foreground() == child.group() && terminal.take_back() && terminal.is_ours();
  }));
}

TEST_CASE("a terminal is taken back from a group that is gone, if it was lent to it", "[tty]") {
  const NoChildLeft guard;
  const bool lent = GENERATE(true, false);
  CAPTURE(lent);
  CHECK(holds_on_terminal([&](Terminal& terminal) {
    Grouped child;
    if (lent) {
      terminal.lend(child.group());
    } else {
      ::tcsetpgrp(terminal.fd(), child.group());
    }
    child.end();
    return terminal.take_back() == lent;
  }));
}

TEST_CASE("a terminal is not taken from a group that is not below us", "[tty]") {
  const NoChildLeft guard;
  CHECK(holds_on_terminal([](Terminal& shells) {
    const Grouped other;
    shells.lend(other.group());
    return holds_in_child([&] {
      ::setpgid(0, 0);
      auto terminal = Terminal::controlling();
      return terminal && !terminal->take_back() && terminal->foreground() == other.group();
    });
  }));
}

TEST_CASE("a terminal's settings come back as they were when it was lent", "[tty]") {
  const NoChildLeft guard;
  CHECK(holds_on_terminal([](Terminal& terminal) {
    terminal.lend();
    termios raw{};
    ::tcgetattr(terminal.fd(), &raw);
    ::cfmakeraw(&raw);
    ::tcsetattr(terminal.fd(), TCSANOW, &raw);
    terminal.restore_settings();
    termios now{};
    ::tcgetattr(terminal.fd(), &now);
    return (now.c_lflag & ECHO) != 0 && (now.c_lflag & ICANON) != 0;
  }));
}

TEST_CASE("the leader of a session gives its terminal up, and hears no hang-up", "[tty]") {
  const NoChildLeft guard;
  CHECK(holds_on_terminal([](Terminal& terminal) {
    terminal.leave();
    sigset_t pending;
    ::sigpending(&pending);
    return !Terminal::controlling() && ::sigismember(&pending, SIGHUP) == 0 &&
           ::sigismember(&pending, SIGCONT) == 0;
  }));
}

TEST_CASE("a process stops by a terminal's signal, and tells whether it did", "[tty]") {
  const NoChildLeft guard;
  const int signal = GENERATE(SIGTSTP, SIGTTIN, SIGTTOU);
  CAPTURE(signal);
  // Its group has a parent outside of it: somebody who could continue it.
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::setpgid(0, 0);
    const sigset_t all = sys::every_signal();
    ::sigprocmask(SIG_BLOCK, &all, nullptr);
    ::_exit(sys::stop_by(signal) ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(pid, &status, WUNTRACED) == pid);
  REQUIRE(WIFSTOPPED(status));
  CHECK(WSTOPSIG(status) == signal);
  ::kill(pid, SIGCONT);
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  CHECK(status == 0);
}

TEST_CASE("a process that nobody could continue does not stop", "[tty]") {
  const NoChildLeft guard;
  CHECK(holds_in_child([] {
    ::setsid();
    return !sys::stop_by(SIGTSTP);
  }));
}

}  // namespace procrun::test
