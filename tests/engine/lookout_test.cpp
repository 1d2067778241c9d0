#include "engine/lookout.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"

using procrun::Stranger;
using procrun::engine::Goal;
using procrun::engine::Lookout;
using procrun::engine::Sighting;
using procrun::engine::Until;
using procrun::test::ForkedChild;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::say;
namespace sys = procrun::sys;
using What = Sighting::What;

namespace {

/// A parent with a child that ends at once with code 7, and is reaped at a byte on `reap`.
struct Family {
  sys::Pipe reap = sys::make_pipe();
  ForkedChild parent{[this](int report) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(7);
    say(report, std::to_string(child) + "\n");
    char byte = 0;
    while (::read(reap.read.get(), &byte, 1) == -1) {
    }
    ::waitpid(child, nullptr, 0);
    return 0;
  }};
  pid_t pid = parent.number();
};

struct Seen {
  std::vector<Sighting> sightings;  // the last of each
  std::vector<Sighting> on_the_way;
  Lookout::Tell tell = [this](const Sighting& sighting) {
    (sighting.is_last ? sightings : on_the_way).push_back(sighting);
  };
};

std::vector<What> kinds_of(const std::vector<Sighting>& sightings) {
  std::vector<What> kinds;
  for (const auto& one : sightings) kinds.push_back(one.what);
  return kinds;
}

sys::Deadline soon() { return sys::Clock::now() + std::chrono::milliseconds{300}; }

}  // namespace

TEST_CASE("a zombie counts as ended, but not as reaped", "[lookout]") {
  const NoDescendantLeft guard;
  const SameOpenFds fd_guard;
  Family family;
  const bool kernel_tells = GENERATE(true, false);
  const auto until = GENERATE(Until::Exit, Until::Reaped);
  CAPTURE(kernel_tells, static_cast<int>(until));
  Seen seen;
  Lookout lookout{{.until = until, .deadline = soon(), .kernel_tells_reaping = kernel_tells},
                  seen.tell};
  lookout.add(*Stranger::find(family.pid), 3);
  const auto end = lookout.run(0);
  CHECK(end == (until == Until::Exit ? Lookout::End::Done : Lookout::End::TimedOut));
  lookout.tell_rest();
  REQUIRE(seen.sightings.size() == 1);
  CHECK(seen.sightings[0].what == What::Zombie);
  CHECK(seen.sightings[0].parent == family.parent.pid());
  CHECK(seen.sightings[0].place == 3);
  CHECK(seen.sightings[0].awaited == (until == Until::Exit));
  REQUIRE(kinds_of(seen.on_the_way) == std::vector{What::Found, What::Zombie});
  CHECK(seen.on_the_way[0].parent == family.parent.pid());
  CHECK(seen.on_the_way[1].parent == family.parent.pid());
  CHECK(seen.on_the_way[1].at < seen.sightings[0].at);  // a zombie from its end on
  say(family.reap.write.get(), "x");
  CHECK(family.parent.finish().exited(0));
}

TEST_CASE("the reaping is seen, by event or where the kernel does not tell by looking",
          "[lookout]") {
  const NoDescendantLeft guard;
  const SameOpenFds fd_guard;
  Family family;
  const bool kernel_tells = GENERATE(true, false);
  CAPTURE(kernel_tells);
  Seen seen;
  Lookout lookout{{.until = Until::Reaped, .kernel_tells_reaping = kernel_tells}, seen.tell};
  lookout.add(*Stranger::find(family.pid), 0);
  const pid_t parent = family.parent.pid();
  // Reaped while the lookout waits: by the parent, half a second from now.
  ForkedChild later{[&](int) {
    const timespec half{0, 500'000'000};
    ::nanosleep(&half, nullptr);
    say(family.reap.write.get(), "x");
    return 0;
  }};
  CHECK(lookout.run(0) == Lookout::End::Done);
  REQUIRE(seen.sightings.size() == 1);
  CHECK(seen.sightings[0].what == What::Ended);
  CHECK(seen.sightings[0].awaited);
  CHECK(procrun::test::ends(parent));
  CHECK(later.finish().exited(0));
  CHECK(family.parent.finish().exited(0));
}

TEST_CASE("our own child is reaped when it has ended, and told", "[lookout]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(9);
  Seen seen;
  Lookout lookout{{.until = GENERATE(Until::Exit, Until::Reaped)}, seen.tell};
  lookout.add(*Stranger::find(pid), 0);
  CHECK(lookout.run(0) == Lookout::End::Done);
  REQUIRE(seen.sightings.size() == 1);
  CHECK(seen.sightings[0].status->code() == 9);
}

TEST_CASE("a wait for none is over at once", "[lookout]") {
  const SameOpenFds fd_guard;
  Seen seen;
  Lookout lookout{{}, seen.tell};
  CHECK(lookout.run(0) == Lookout::End::Done);
  CHECK(seen.sightings.empty());
}

TEST_CASE("stops are told on the way where that is wanted, whatever is waited for", "[lookout]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  ::kill(pid, SIGSTOP);
  // A parent is told of the stop, and does not reap anybody for it.
  REQUIRE(::waitpid(pid, nullptr, WUNTRACED) == pid);
  const bool wanted = GENERATE(true, false);
  Seen seen;
  const auto tell = [&](const Sighting& sighting) {
    seen.tell(sighting);
    if (sighting.what == What::Stopped) ::kill(pid, SIGCONT);
    if (sighting.what == What::Continued) ::kill(pid, SIGKILL);
  };
  if (!wanted) ::kill(pid, SIGKILL);
  Lookout lookout{{.until = Until::Exit, .tells_states = wanted}, tell};
  lookout.add(*Stranger::find(pid), 0);
  CHECK(lookout.run(0) == Lookout::End::Done);
  std::vector<What> kinds{What::Found};
  if (wanted) kinds.insert(kinds.end(), {What::Stopped, What::Continued});
  CHECK(kinds_of(seen.on_the_way) == kinds);
  REQUIRE(seen.sightings.size() == 1);
  CHECK(seen.sightings[0].what == What::Ended);
}

TEST_CASE("a process that is watched in two places is told of in both, once as the same again",
          "[lookout]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(9);
  Seen seen;
  Lookout lookout{{}, seen.tell};
  lookout.add(*Stranger::find(pid), 0);
  lookout.add(*Stranger::find(pid), 1);
  CHECK(lookout.run(0) == Lookout::End::Done);
  REQUIRE(seen.sightings.size() == 2);
  CHECK(seen.sightings[0].again != seen.sightings[1].again);
}

TEST_CASE("what is listened to besides is heard while it waits, and can end the wait",
          "[lookout]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const pid_t pid = ::fork();
  if (pid == 0) {
    for (;;) ::pause();
  }
  struct Told {};
  const sys::Pipe pipe = sys::make_pipe();
  Seen seen;
  {
    Lookout lookout{{}, seen.tell};
    lookout.add(*Stranger::find(pid), 0);
    lookout.listen(pipe.read.get(), [] { throw Told{}; });
    say(pipe.write.get(), "x");
    CHECK_THROWS_AS(lookout.run(0), Told);
  }
  CHECK(seen.sightings.empty());
  ::kill(pid, SIGKILL);
  CHECK(::waitpid(pid, nullptr, 0) == pid);
}
