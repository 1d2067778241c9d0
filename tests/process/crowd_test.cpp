#include "process/crowd.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"

using procrun::Crowd;
using procrun::Stranger;
using procrun::test::ForkedChild;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::say;
namespace sys = procrun::sys;

namespace {

using Pids = std::vector<pid_t>;

Pids pids_of(const std::vector<Stranger>& strangers) {
  Pids pids;
  for (const auto& one : strangers) pids.push_back(one.pid());
  std::sort(pids.begin(), pids.end());
  return pids;
}

[[noreturn]] void sleep_for_ever() {
  for (;;) ::pause();
}

/// A child in a session of its own that forks at each byte on `go`, and says whom; the last byte
/// ends it. What it has forked ends with the test.
struct Family {
  sys::Pipe go = sys::make_pipe();
  ForkedChild parent{[this](int report) {
    ::setsid();
    say(report, std::to_string(::getpid()) + "\n");
    char byte = 0;
    while (::read(go.read.get(), &byte, 1) == 1 && byte == 'f') {
      const pid_t pid = ::fork();
      if (pid == 0) sleep_for_ever();
      say(report, std::to_string(pid) + "\n");
    }
    return 0;
  }};
  pid_t root = parent.number();

  pid_t fork_one() {
    say(go.write.get(), "f");
    return parent.number();
  }
  void end() {
    say(go.write.get(), "x");
    CHECK(parent.finish().exited(0));
  }
};

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  (void)procrun::test::reaped(pid);
}

}  // namespace

TEST_CASE("the members of a group or session are found, each once", "[crowd]") {
  const NoDescendantLeft guard;
  const SameOpenFds fd_guard;
  Family family;
  const pid_t first = family.fork_one();
  const auto kind = GENERATE(Crowd::Kind::Group, Crowd::Kind::Session);
  Crowd crowd{kind, family.root};
  CHECK(crowd.exists());
  CHECK(pids_of(crowd.arrivals()) == Pids{family.root, first});
  CHECK(crowd.arrivals().empty());
  const pid_t second = family.fork_one();
  CHECK(pids_of(crowd.arrivals()) == Pids{second});
  family.end();
  CHECK(crowd.arrivals().empty());
  CHECK(crowd.exists());
  for (const pid_t pid : {first, second}) kill_and_reap(pid);
  CHECK_FALSE(crowd.exists());
}

TEST_CASE("who descends from a process is found, and stays found when its parent ends", "[crowd]") {
  const NoDescendantLeft guard;
  const SameOpenFds fd_guard;
  Family family;
  const pid_t first = family.fork_one();
  Crowd crowd{std::move(*Stranger::find(family.root))};
  CHECK(pids_of(crowd.arrivals()) == Pids{first});
  const pid_t second = family.fork_one();
  CHECK(pids_of(crowd.arrivals()) == Pids{second});
  family.end();  // both are orphans now
  CHECK(crowd.arrivals().empty());
  for (const pid_t pid : {first, second}) kill_and_reap(pid);
}

TEST_CASE("we are no member of our own group, session or family", "[crowd]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const auto is_ours = [](Crowd crowd) {
    const auto pids = pids_of(crowd.arrivals());
    return std::count(pids.begin(), pids.end(), ::getpid()) +
           std::count(pids.begin(), pids.end(), ::getppid());
  };
  CHECK(is_ours(Crowd{Crowd::Kind::Group, ::getpgrp()}) == 0);
  CHECK(is_ours(Crowd{Crowd::Kind::Session, ::getsid(0)}) == 0);
  CHECK(is_ours(Crowd{std::move(*Stranger::find(::getppid()))}) == 0);
}
