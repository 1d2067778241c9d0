#include "sys/error.h"

#include <catch2/catch.hpp>
#include <new>
#include <stdexcept>
#include <system_error>

namespace sys = procrun::sys;

TEST_CASE("a failed call tells what was tried and why", "[error]") {
  CHECK_THROWS_WITH(sys::fail("open x", ENOENT),
                    Catch::Contains("open x") && Catch::Contains("No such file or directory"));
}

TEST_CASE("an exception says in words what went wrong, for want of memory, too", "[error]") {
  CHECK(sys::words_of(std::bad_alloc{}) == "out of memory");
  CHECK(sys::words_of(std::runtime_error{"it broke"}) == "it broke");
}

TEST_CASE("a call that a signal interrupts is repeated", "[error]") {
  int calls = 0;
  const int result = sys::retry("count", [&] {
    errno = EINTR;
    return ++calls < 3 ? -1 : 7;
  });
  CHECK(result == 7);
  CHECK(calls == 3);
}

TEST_CASE("a call that fails otherwise is not repeated", "[error]") {
  int calls = 0;
  const auto call = [&] {
    ++calls;
    errno = EBADF;
    return -1;
  };
  CHECK_THROWS_AS(sys::retry("try", call), std::system_error);
  CHECK(calls == 1);
}
