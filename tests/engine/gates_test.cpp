#include "engine/gates.h"

#include <catch2/catch.hpp>
#include <limits>
#include <string_view>

using namespace std::chrono_literals;
using procrun::engine::DelayGate;
using procrun::engine::Gates;
using procrun::engine::MachineGate;
using Time = procrun::sys::Clock::time_point;

namespace {

const Time kStart = Time{} + 1h;

}  // namespace

TEST_CASE("a delay lies between two starts and not before the first", "[gates]") {
  DelayGate gate{10ms};
  CHECK(gate.may_start(kStart));
  gate.started(kStart);
  CHECK_FALSE(gate.may_start(kStart + 9ms));
  CHECK(gate.deadline() == kStart + 10ms);
  CHECK(gate.may_start(kStart + 10ms));
}

TEST_CASE("a delay of centuries does not wrap around", "[gates]") {
  DelayGate gate{procrun::sys::Duration::max()};
  gate.started(procrun::sys::Clock::now());
  CHECK_FALSE(gate.may_start(procrun::sys::Clock::now() + 24h));
}

TEST_CASE("a machine that says no is asked again after a second, one that says yes for each job",
          "[gates]") {
  bool fit = false;
  int asked = 0;
  MachineGate gate{[&] {
    ++asked;
    return fit;
  }};
  CHECK_FALSE(gate.may_start(kStart));
  CHECK(gate.deadline() == kStart + 1s);
  fit = true;
  CHECK_FALSE(gate.may_start(kStart + 999ms));
  CHECK(asked == 1);
  CHECK(gate.may_start(kStart + 1s));
  CHECK_FALSE(gate.deadline());
  CHECK(gate.may_start(kStart + 1s));
  CHECK(asked == 3);
}

TEST_CASE("without rules there is no gate, and nothing to wait for", "[gates]") {
  Gates gates{{}};
  CHECK_FALSE(gates.any());
  gates.started(kStart);
  CHECK(gates.may_start(kStart));
  CHECK_FALSE(gates.deadline());
}

TEST_CASE("all gates have to be open, and the one that is shut says when to ask again", "[gates]") {
  Gates gates{{.delay = 5s,
               .most_load = std::numeric_limits<double>::max(),
               .memory = std::numeric_limits<std::uint64_t>::max()}};
  CHECK(gates.any());
  CHECK_FALSE(gates.may_start(kStart));  // for want of memory
  CHECK(std::string_view{gates.wait()} == "until as much memory as --memfree says is available");
  CHECK(gates.deadline() == kStart + 1s);
  gates.started(kStart + 2s);
  CHECK_FALSE(gates.may_start(kStart + 3s));
  CHECK(std::string_view{gates.wait()} == "until --delay has passed since the last start");
  CHECK(gates.deadline() == kStart + 7s);
}

TEST_CASE("a load that is too high is what a job waits for", "[gates]") {
  Gates gates{{.most_load = -1.0, .memory = std::numeric_limits<std::uint64_t>::max()}};
  CHECK_FALSE(gates.may_start(kStart));
  CHECK(std::string_view{gates.wait()} == "until the load is no more above --load");
}

TEST_CASE("a machine with little load and enough memory lets jobs start", "[gates]") {
  Gates gates{{.delay = {}, .most_load = std::numeric_limits<double>::max(), .memory = 1}};
  CHECK(gates.may_start(kStart));
  CHECK_FALSE(gates.deadline());
}
