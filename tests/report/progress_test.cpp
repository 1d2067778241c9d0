#include "report/progress.h"

#include <pty.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support.h"
#include "sys/fd.h"

namespace sys = procrun::sys;
using namespace std::chrono_literals;
using procrun::event::Event;
using procrun::event::Standing;
using procrun::event::Type;
using procrun::report::progress_text;
using procrun::report::ProgressLines;

namespace {

std::string written_to(const sys::Fd& file, sys::Outlet& out) {
  out.flush();
  ::lseek(file.get(), 0, SEEK_SET);
  return procrun::test::read_all(file.get());
}

}  // namespace

TEST_CASE("progress tells what is done and running, and only failures that there are",
          "[progress]") {
  CHECK(progress_text({.ended = 3, .failed = 0, .running = 2}, 1s) == "3 done, 2 running");
  CHECK(progress_text({.ended = 3, .failed = 1, .running = 2}, 1s) ==
        "3 done, 2 running, 1 failed");
}

TEST_CASE("once the total is known, progress foretells when the rest is done", "[progress]") {
  const auto eta = [](std::uint64_t ended, std::uint64_t total, sys::Duration since) {
    return progress_text({.ended = ended, .failed = 0, .running = 1, .total = total}, since);
  };
  CHECK(eta(0, 4, 1s) == "0/4 done, 1 running");
  CHECK(eta(1, 4, 2s) == "1/4 done, 1 running, ETA 6s");
  CHECK(eta(2, 4, 125s) == "2/4 done, 1 running, ETA 2m05s");
  CHECK(eta(1, 2, 4800s) == "1/2 done, 1 running, ETA 1h20m");
  CHECK(eta(1, 1'000'000'000, 24h) == "1/1000000000 done, 1 running");
  CHECK(eta(5, 4, 1s) == "5/4 done, 1 running, ETA 0s");
}

TEST_CASE("plain progress is a line each period until the run has ended", "[progress]") {
  const sys::Fd file = sys::open_temporary();
  sys::Outlet out{file.get(), "standard error"};
  ProgressLines lines{out, 10s};
  const auto first = lines.deadline();
  REQUIRE(first);
  lines.look({.ended = 1}, *first - 1ns);
  lines.look({.ended = 2}, *first);
  CHECK(lines.deadline() == *first + 10s);
  lines.look({.ended = 3}, *first + 1s);
  lines.look({.ended = 4}, *first + 10s);
  lines.take({.type = Type::RunEnd});
  CHECK_FALSE(lines.deadline());
  lines.look({.ended = 5}, *first + 30s);
  CHECK(written_to(file, out) ==
        "procrun: pool: 2 done, 0 running\nprocrun: pool: 4 done, 0 running\n");
}
