#include "process/address.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "process/forked.h"
#include "support.h"
#include "sys/proc.h"

using procrun::Address;
using procrun::find_by_pidfile;
using procrun::Stranger;
using procrun::test::ForkedChild;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using procrun::test::write_file;
namespace sys = procrun::sys;

TEST_CASE("an address is a number, alone or with what tells reuse apart", "[address]") {
  CHECK(Address::parse("4711").pid == 4711);
  CHECK_FALSE(Address::parse("4711").inode);
  CHECK_FALSE(Address::parse("4711").start_time);
  CHECK(Address::parse("4711:18446744073709551615").inode == 18446744073709551615U);
  CHECK(Address::parse("4711@0").start_time == 0U);
}

TEST_CASE("what is no address is refused with the forms that are", "[address]") {
  const std::string text =
      GENERATE("", "0", "-1", "+1", "1 ", " 1", "1:", "1@", ":1", "@1", "1:2:3", "1@2:3",
               "99999999999", "1:-1", "1:18446744073709551616", "x");
  CAPTURE(text);
  CHECK_THROWS_WITH(Address::parse(text), Catch::Contains("(4711, 4711:INODE, 4711@STARTTIME)"));
}

TEST_CASE("an address leads to its process, and to no other that has the number", "[address]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  ForkedChild child{[](int) -> int {
    for (;;) ::pause();
  }};
  const pid_t pid = child.pid();
  const auto stat = sys::process_stat(pid);
  REQUIRE(stat);
  CHECK(find(Address{.pid = pid}));
  CHECK(find(Address{.pid = pid, .start_time = stat->start_time}));
  CHECK_FALSE(find(Address{.pid = pid, .start_time = stat->start_time + 1}));
  const auto inode = Stranger::find(pid)->inode();
  if (inode) {
    CHECK(find(Address{.pid = pid, .inode = inode}));
    CHECK_FALSE(find(Address{.pid = pid, .inode = *inode + 1}));
  } else {
    CHECK_THROWS_WITH(find(Address{.pid = pid, .inode = 1}), Catch::Contains("Linux 6.9"));
  }
}

TEST_CASE("a pidfile leads to its process, or says why not", "[address]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const TempDir dir;
  const std::string path = dir / "pid";
  CHECK(find_by_pidfile(path).why_not == "no such file");
  CHECK(find_by_pidfile(path + "/below").why_not == "no such file");
  write_file(path, "\n");
  CHECK(find_by_pidfile(path).why_not == "it is empty");
  write_file(path, std::to_string(::getpid()) + " \r\nmore\n");
  const auto found = find_by_pidfile(path);
  REQUIRE(found.process);
  CHECK(found.process->pid() == ::getpid());
  CHECK(found.why_not == "");
  write_file(path, "web\n");
  CHECK_THROWS_WITH(find_by_pidfile(path), Catch::Contains("is not a pidfile: 'web'"));
  CHECK_THROWS_AS(find_by_pidfile(dir.path().string()), std::system_error);
}
