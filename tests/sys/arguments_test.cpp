#include "sys/arguments.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "process/command.h"
#include "support.h"

using procrun::Command;
using procrun::SpawnError;
using procrun::test::NoChildLeft;
namespace sys = procrun::sys;

namespace {

constexpr std::size_t kSlack = 4096;  // the program's path, and what the kernel puts beside it

bool can_be_run(std::vector<std::string> argv) {
  try {
    return Command{.argv = std::move(argv), .env = std::vector<std::string>{}}
        .spawn()
        .wait()
        .success();
  } catch (const SpawnError&) {
    return false;
  }
}

/// /bin/true with words of 1000 bytes that take `space` together.
std::vector<std::string> command_of(std::size_t space) {
  std::vector<std::string> argv{"/bin/true"};
  argv.resize(1 + space / (1000 + sys::kPerArgument), std::string(1000, 'x'));
  return argv;
}

}  // namespace

TEST_CASE("T43: one argument has its own limit", "[arguments]") {
  const NoChildLeft guard;
  CHECK(can_be_run({"/bin/true", std::string(sys::longest_argument() - 1, 'x')}));
  CHECK_FALSE(can_be_run({"/bin/true", std::string(sys::longest_argument(), 'x')}));
}

TEST_CASE("T58: all arguments together have the space that the kernel gives them", "[arguments]") {
  const NoChildLeft guard;
  rlimit stack{};
  REQUIRE(::getrlimit(RLIMIT_STACK, &stack) == 0);
  const auto space = sys::argument_space(stack.rlim_cur);
  CHECK(can_be_run(command_of(space - kSlack)));
  CHECK_FALSE(can_be_run(command_of(space + kSlack)));
}

TEST_CASE("the space of an environment counts pointers and ends", "[arguments]") {
  const char* const environment[] = {"A=1", "B=", nullptr};
  CHECK(sys::space_of(environment) == 3 + 2 + 2 * sys::kPerArgument);
}
