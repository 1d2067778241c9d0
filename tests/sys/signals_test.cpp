#include "sys/signals.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>
#include <vector>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;

namespace {

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  return set;
}

std::vector<int> members(const sigset_t& set) {
  std::vector<int> all;
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    if (::sigismember(&set, signal) == 1) all.push_back(signal);
  }
  return all;
}

}  // namespace

TEST_CASE("a signal is told by name, by full name and by number, in any case", "[signals]") {
  for (const char* const text : {"TERM", "SIGTERM", "15", "term", "sigterm", "SigTerm"}) {
    CAPTURE(text);
    CHECK(sys::parse_signal(text) == SIGTERM);
  }
  CHECK(sys::parse_signal("KILL") == SIGKILL);
  CHECK(sys::parse_signal("usr1") == SIGUSR1);
}

TEST_CASE("a real-time signal is told by its distance from either end", "[signals]") {
  CHECK(sys::parse_signal("rtmin+3") == SIGRTMIN + 3);
  CHECK(sys::parse_signal("SIGRTMIN") == SIGRTMIN);
  CHECK(sys::parse_signal("RTMAX") == SIGRTMAX);
  CHECK(sys::parse_signal("RTMAX-2") == SIGRTMAX - 2);
}

TEST_CASE("every signal's name leads back to it", "[signals]") {
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    CAPTURE(signal, sys::signal_name(signal));
    CHECK(sys::parse_signal(sys::signal_name(signal)) == signal);
  }
}

TEST_CASE("what is no signal is refused with the accepted forms", "[signals]") {
  for (const char* const text :
       {"", "FOO", "SIG", "0", "-1", "65", "999999999999", "15x", " 15", "TERM ", "SIGSIGTERM",
        "RTMIN+99", "RTMIN-1", "RTMIN+", "RTMAX+1", "RTMIN+-1", "1.5"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(sys::parse_signal(text), std::invalid_argument);
  }
  CHECK_THROWS_WITH(sys::parse_signal("FOO"),
                    Catch::Contains("FOO") && Catch::Contains("TERM, SIGTERM, 15"));
}

TEST_CASE("the signal state tells what is blocked, ignored and caught", "[signals]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    const sigset_t blocked = set_of({SIGUSR1, SIGRTMIN + 1});
    ::sigprocmask(SIG_SETMASK, &blocked, nullptr);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) ::signal(signal, SIG_DFL);
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);
    ::signal(SIGHUP, [](int) {});
    const sys::SignalState state = sys::signal_state();
    if (members(state.mask) != std::vector<int>{SIGUSR1, SIGRTMIN + 1}) return 1;
    if (members(state.ignored) != std::vector<int>{SIGUSR2, SIGPIPE}) return 2;
    return members(state.caught) == std::vector<int>{SIGHUP} ? 0 : 3;
  });
  CHECK(end.exited(0));
}

TEST_CASE("a handler that asks for details counts as caught", "[signals]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    struct sigaction action {};
    action.sa_flags = SA_SIGINFO;
    action.sa_sigaction = [](int, siginfo_t*, void*) {};
    ::sigaction(SIGUSR1, &action, nullptr);
    const sys::SignalState state = sys::signal_state();
    return ::sigismember(&state.caught, SIGUSR1) == 1 ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("all signals are those but the ones of a fault", "[signals]") {
  const sigset_t all = sys::all_signals();
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD, SIGPIPE, SIGTSTP, SIGRTMIN}) {
    CHECK(::sigismember(&all, signal) == 1);
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP}) {
    CHECK(::sigismember(&all, signal) == 0);
  }
}

TEST_CASE("signals are blocked in a scope and the old mask comes back", "[signals]") {
  const auto before = members(sys::signal_state().mask);
  {
    const sys::SignalsBlocked blocked;
    CHECK(members(blocked.old_mask()) == before);
    const sigset_t mask = sys::signal_state().mask;
    CHECK(::sigismember(&mask, SIGTERM) == 1);
  }
  CHECK(members(sys::signal_state().mask) == before);
}

TEST_CASE("a signal descriptor tells of a blocked signal once", "[signals]") {
  const SameOpenFds guard;
  const sys::SignalsBlocked blocked;
  sys::SignalFd signals{set_of({SIGUSR1})};
  ::raise(SIGUSR1);
  const auto told = signals.read();
  REQUIRE(told.size() == 1);
  CHECK(told[0].ssi_signo == SIGUSR1);
  CHECK(signals.read().empty());
}

TEST_CASE("a signal descriptor without a signal does not block", "[signals]") {
  const SameOpenFds guard;
  const sys::SignalsBlocked blocked;
  sys::SignalFd signals{set_of({SIGUSR1})};
  CHECK(signals.read().empty());
}

TEST_CASE("more signals than one read holds are all told in their order", "[signals]") {
  const SameOpenFds guard;
  const sys::SignalsBlocked blocked;
  sys::SignalFd signals{set_of({SIGRTMIN + 2})};
  for (int i = 0; i < 30; ++i) ::sigqueue(::getpid(), SIGRTMIN + 2, sigval{.sival_int = i});
  std::vector<int> values;
  for (auto told = signals.read(); !told.empty(); told = signals.read()) {
    for (const auto& info : told) values.push_back(info.ssi_int);
  }
  REQUIRE(values.size() == 30);
  CHECK(std::is_sorted(values.begin(), values.end()));
}

TEST_CASE("a signal descriptor tells who sent the signal", "[signals]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  const sys::SignalsBlocked blocked;
  sys::SignalFd signals{set_of({SIGUSR1})};
  const auto end = in_child([](int) { return ::kill(::getppid(), SIGUSR1); });
  REQUIRE(end.exited(0));
  const auto told = signals.read();
  REQUIRE(told.size() == 1);
  CHECK(told[0].ssi_code == SI_USER);
}

TEST_CASE("T14: one can die of the signal that the child died of", "[signals]") {
  const NoChildLeft guard;
  for (const int signal : {SIGTERM, SIGINT, SIGKILL, SIGHUP, SIGPIPE}) {
    CAPTURE(signal);
    const auto end = in_child([&](int) {
      sys::die_of(signal);
      return 1;
    });
    CHECK(end.signaled(signal));
  }
}

TEST_CASE("dying of a signal works where it was ignored, blocked or caught", "[signals]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    const sys::SignalsBlocked blocked;
    ::signal(SIGTERM, SIG_IGN);
    sys::die_of(SIGTERM);
    return 1;
  });
  CHECK(end.signaled(SIGTERM));
  const auto caught = in_child([](int) {
    ::signal(SIGTERM, [](int) { ::_exit(2); });
    sys::die_of(SIGTERM);
    return 1;
  });
  CHECK(caught.signaled(SIGTERM));
}

TEST_CASE("dying of a signal leaves no core file of ours", "[signals]") {
  const NoChildLeft guard;
  const procrun::test::TempDir dir;
  const auto end = in_child([&](int) {
    if (::chdir(dir.path().c_str()) != 0) return 1;
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_CORE, &unlimited);
    sys::die_of(SIGQUIT);
    return 2;
  });
  REQUIRE(end.signaled(SIGQUIT));
  CHECK_FALSE(WCOREDUMP(end.status));
  CHECK(std::filesystem::is_empty(dir.path()));
}
