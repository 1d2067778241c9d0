// A pidfile: whole at any time, one job's at a time, gone at its end.
#include "state/pidfile.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "support.h"
#include "sys/fd.h"

namespace procrun::test {
namespace {

using state::PidFile;

std::size_t files_in(const TempDir& dir) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator{dir.path()}) {
    count += entry.exists() ? 1 : 0;
  }
  return count;
}

}  // namespace

TEST_CASE("a pidfile tells the pid and is locked, until its job leaves", "[state]") {
  const SameOpenFds fds;
  const TempDir dir;
  auto mine = PidFile::take(dir / "web.pid");
  REQUIRE(mine);
  CHECK_FALSE(std::filesystem::exists(dir / "web.pid"));
  mine->publish(4711);
  CHECK(read_file(dir / "web.pid") == "4711\n");
  CHECK(PidFile::read(dir / "web.pid") == 4711);
  {
    const sys::Fd other = sys::open(dir / "web.pid", O_RDONLY);
    CHECK(::flock(other.get(), LOCK_EX | LOCK_NB) == -1);
  }
  CHECK_FALSE(PidFile::take(dir / "web.pid"));
  mine->unpublish();
  CHECK_FALSE(std::filesystem::exists(dir / "web.pid"));
  CHECK_FALSE(PidFile::take(dir / "web.pid"));  // others of its tree live on
  mine->leave();
  CHECK(files_in(dir) == 0);
  CHECK(PidFile::take(dir / "web.pid"));
}

TEST_CASE("a pidfile that a killed job left is replaced, and no reader finds half of one",
          "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  for (int i = 0; i < 50; ++i) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t job = ::fork();
    if (job == 0) {
      auto taken = PidFile::take(dir / "web.pid");
      if (!taken) ::_exit(1);
      taken->publish(1234567);
      if (::write(ready[1], "x", 1) != 1) ::_exit(1);
      for (;;) taken->publish(1234567);
    }
    ::close(ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    for (int n = 0; n < 50; ++n) REQUIRE(read_file(dir / "web.pid") == "1234567\n");
    ::kill(job, SIGKILL);
    ::waitpid(job, nullptr, 0);
    REQUIRE(read_file(dir / "web.pid") == "1234567\n");
  }
}

TEST_CASE("a pidfile that another tool has locked is taken", "[state]") {
  const TempDir dir;
  write_file(dir / "web.pid", "4711\n");
  sys::Fd other = sys::open(dir / "web.pid", O_RDONLY);
  REQUIRE(::flock(other.get(), LOCK_EX | LOCK_NB) == 0);
  CHECK_FALSE(PidFile::take(dir / "web.pid"));
  CHECK(files_in(dir) == 1);
  other.reset();
  CHECK(PidFile::take(dir / "web.pid"));
}

TEST_CASE("a pidfile that somebody else has put there meanwhile is not removed", "[state]") {
  const TempDir dir;
  auto mine = PidFile::take(dir / "web.pid");
  REQUIRE(mine);
  mine->publish(4711);
  std::filesystem::remove(dir / "web.pid");
  write_file(dir / "web.pid", "1\n");
  mine->leave();
  CHECK(read_file(dir / "web.pid") == "1\n");
}

TEST_CASE("no number is read from what is no pidfile", "[state]") {
  const TempDir dir;
  CHECK(PidFile::read(dir / "none") == 0);
  write_file(dir / "empty", "");
  CHECK(PidFile::read(dir / "empty") == 0);
  write_file(dir / "text", "web\n");
  CHECK(PidFile::read(dir / "text") == 0);
  write_file(dir / "negative", "-1\n");
  CHECK(PidFile::read(dir / "negative") == 0);
}

}  // namespace procrun::test
