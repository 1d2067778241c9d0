#include "sys/poller.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <set>
#include <system_error>
#include <vector>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using namespace std::chrono_literals;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;
using sys::Clock;

namespace {

/// A pipe with a byte in it.
sys::Pipe ready_pipe() {
  sys::Pipe pipe = sys::make_pipe();
  procrun::test::say(pipe.write.get(), "x");
  return pipe;
}

constexpr auto kSoon = 10s;  // a deadline that a right answer never reaches

}  // namespace

TEST_CASE("what is ready is told by the id that it was given", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const sys::Pipe one = ready_pipe();
  const sys::Pipe other = sys::make_pipe();
  REQUIRE(poller.add(one.read.get(), EPOLLIN, 0x8000'0000'0000'0001));
  REQUIRE(poller.add(other.read.get(), EPOLLIN, 2));
  const auto ready = poller.wait(Clock::now() + kSoon);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].id == 0x8000'0000'0000'0001);
  CHECK((ready[0].events & EPOLLIN) != 0);
}

TEST_CASE("a wait ends empty at its deadline, and not before it", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const auto deadline = Clock::now() + 20ms;
  CHECK(poller.wait(deadline).empty());
  CHECK(Clock::now() >= deadline);
}

TEST_CASE("a wait whose deadline has passed still tells what is ready", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const sys::Pipe pipe = ready_pipe();
  poller.add(pipe.read.get(), EPOLLIN, 1);
  CHECK(poller.wait(Clock::now() - 1s).size() == 1);
}

TEST_CASE("a regular file is always ready, and not watched", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const sys::Fd file = sys::open_temporary();
  CHECK_FALSE(poller.add(file.get(), EPOLLIN, 1));
}

TEST_CASE("a closed descriptor cannot be watched", "[poller]") {
  sys::Poller poller;
  CHECK_THROWS_AS(poller.add(9999, EPOLLIN, 1), std::system_error);
}

TEST_CASE("what was removed is not told any more", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const sys::Pipe pipe = ready_pipe();
  poller.add(pipe.read.get(), EPOLLIN, 1);
  poller.remove(pipe.read.get());
  CHECK(poller.wait(Clock::now()).empty());
}

TEST_CASE("what is waited for can be changed", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  const sys::Pipe pipe = ready_pipe();
  poller.add(pipe.read.get(), EPOLLIN, 1);
  poller.change(pipe.read.get(), 0, 1);
  CHECK(poller.wait(Clock::now()).empty());
  poller.change(pipe.read.get(), EPOLLIN, 7);
  const auto ready = poller.wait(Clock::now() + kSoon);
  REQUIRE(ready.size() == 1);
  CHECK(ready[0].id == 7);
}

TEST_CASE("more that is ready than one wait tells comes with the next", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  std::vector<sys::Pipe> pipes;
  for (std::uint64_t id = 0; id < 100; ++id) {
    pipes.push_back(ready_pipe());
    poller.add(pipes.back().read.get(), EPOLLIN | EPOLLONESHOT, id);
  }
  std::set<std::uint64_t> ids;
  for (auto ready = poller.wait(Clock::now()); !ready.empty(); ready = poller.wait(Clock::now())) {
    for (const auto& one : ready) ids.insert(one.id);
  }
  CHECK(ids.size() == 100);
}

TEST_CASE("the other end's closing is told", "[poller]") {
  const SameOpenFds guard;
  sys::Poller poller;
  sys::Pipe pipe = sys::make_pipe();
  poller.add(pipe.read.get(), EPOLLIN, 1);
  pipe.write.reset();
  const auto ready = poller.wait(Clock::now() + kSoon);
  REQUIRE(ready.size() == 1);
  CHECK((ready[0].events & EPOLLHUP) != 0);
}

TEST_CASE("polling a few descriptors tells whether one is ready", "[poller]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  pollfd fds[] = {{.fd = pipe.read.get(), .events = POLLIN, .revents = 0}};
  const auto deadline = Clock::now() + 20ms;
  CHECK_FALSE(sys::poll_until(fds, deadline));
  CHECK(Clock::now() >= deadline);
  procrun::test::say(pipe.write.get(), "x");
  CHECK(sys::poll_until(fds, Clock::now() + kSoon));
  CHECK(sys::poll_until(fds, std::nullopt));
}

TEST_CASE("a wait that signals interrupt goes on to its deadline", "[poller]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    struct sigaction action {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);
    const itimerval often{{0, 2000}, {0, 2000}};
    ::setitimer(ITIMER_REAL, &often, nullptr);
    const auto deadline = Clock::now() + 30ms;
    if (sys::poll_until({}, deadline) || Clock::now() < deadline) return 1;
    const auto next = Clock::now() + 30ms;
    sys::Poller poller;
    return poller.wait(next).empty() && Clock::now() >= next ? 0 : 2;
  });
  CHECK(end.exited(0));
}
