#include "sys/machine.h"

#include <sys/sysinfo.h>

#include <catch2/catch.hpp>

TEST_CASE("the machine tells its load", "[machine]") {
  const auto load = procrun::sys::load_average();
  REQUIRE(load);
  CHECK(*load >= 0);
}

TEST_CASE("what memory is available is some of what there is", "[machine]") {
  struct sysinfo all {};
  REQUIRE(::sysinfo(&all) == 0);
  const auto available = procrun::sys::available_memory();
  REQUIRE(available);
  CHECK(*available > 0);
  CHECK(*available <= std::uint64_t{all.totalram} * all.mem_unit);
}
