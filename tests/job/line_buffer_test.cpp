#include "job/line_buffer.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <deque>
#include <utility>

#include "job/supervise.h"
#include "support.h"
#include "sys/fd.h"

namespace {

using procrun::job::Captured;
using procrun::job::LineBuffer;
using procrun::job::Lines;
using procrun::sys::Clock;
using procrun::test::SameOpenFds;
using namespace std::chrono_literals;

/// Takes lines, as much as there is room for, and events.
class Taker final : public procrun::job::Context {
 public:
  Taker() { spill_ = procrun::job::Spill{{file_.get()}}; }

  void emit(const procrun::event::Event& event) override { events.push_back(event); }
  bool listens() const override { return false; }
  std::span<const int> inbox() const override { return {}; }
  void hear(std::size_t) override {}
  std::optional<procrun::job::Order> next_order() override { return std::nullopt; }
  procrun::job::Spill& spill() override { return spill_; }
  procrun::job::Pipes& pipes() override { return pipes_; }
  std::size_t room(int stream) const override {
    return rooms[static_cast<std::size_t>(stream - 1)];
  }
  void take(Lines&& lines) override { taken.push_back(std::move(lines)); }

  /// What is shown of it on stdout and on stderr.
  std::pair<std::string, std::string> shown(const Captured& output) const {
    const procrun::sys::Fd out{::memfd_create("out", MFD_CLOEXEC)};
    const procrun::sys::Fd err{::memfd_create("err", MFD_CLOEXEC)};
    procrun::sys::Outlets outlets{out.get(), err.get()};
    procrun::job::pass_on(output, {file_.get()}, outlets.out(), outlets.err());
    outlets.out().flush();
    outlets.err().flush();
    for (const auto& fd : {out.get(), err.get()}) ::lseek(fd, 0, SEEK_SET);
    return {procrun::test::read_all(out.get()), procrun::test::read_all(err.get())};
  }
  /// And what has been taken since the last time, on stdout.
  std::string taken_out() {
    std::string all;
    for (const Lines& lines : std::exchange(taken, {})) all += shown(lines.output).first;
    return all;
  }

  std::array<std::size_t, 2> rooms{50'000, 50'000};
  std::vector<Lines> taken;
  std::vector<procrun::event::Event> events;

 private:
  procrun::sys::Fd file_ = procrun::sys::open_temporary();
  procrun::job::Spill spill_;
  procrun::job::Pipes pipes_;
};

const auto kLater = [] { return Clock::now() + 1s; };

}  // namespace

TEST_CASE("lines that come together are handed on together, after a moment", "[lines]") {
  const SameOpenFds guard;
  Taker taker;
  LineBuffer lines{taker, 1, true};
  lines.add(1, "a\nb");
  lines.add(1, "c\n");
  lines.add(2, "e\n");
  lines.look(Clock::now());
  REQUIRE(lines.due());
  CHECK(*lines.due() <= Clock::now() + 2ms);
  lines.look(kLater());
  REQUIRE(taker.taken.size() == 1);
  CHECK(taker.taken[0].sizes == std::array<std::uint64_t, 2>{5, 2});
  CHECK(taker.shown(taker.taken[0].output) ==
        std::pair<std::string, std::string>{"a\nbc\n", "e\n"});
  CHECK_FALSE(lines.due());
  lines.look(kLater());
  CHECK(taker.taken.size() == 1);
}

TEST_CASE("many lines are handed on at once", "[lines]") {
  Taker taker;
  LineBuffer lines{taker, 1, true};
  lines.add(1, std::string(20'000, '\n'));
  lines.look(Clock::now());
  CHECK(taker.taken.size() == 1);
}

TEST_CASE("what is begun waits until it is whole, and no longer than the attempt", "[lines]") {
  Taker taker;
  LineBuffer lines{taker, 1, true};
  lines.add(1, "a");
  CHECK_FALSE(lines.due());
  lines.hand_on();
  CHECK(taker.taken.empty());
  lines.end_lines();
  lines.add(1, "b\n");  // by the next attempt
  lines.add(1, "c");
  lines.hand_on();
  CHECK(taker.taken_out() == "a\nb\n");
  lines.end_lines();
  CHECK(taker.shown(lines.take_rest()).first == "c");
}

TEST_CASE("long lines of both streams go through the file, in few pieces, and come whole",
          "[lines]") {
  Taker taker;
  LineBuffer lines{taker, 1, true};
  std::string out;
  std::string err;
  for (int i = 0; i < 200; ++i) {
    lines.add(1,
              out.insert(out.size(), 40'000, static_cast<char>('a' + i % 26)).substr(i * 40'000U));
    lines.add(2,
              err.insert(err.size(), 30'000, static_cast<char>('A' + i % 26)).substr(i * 30'000U));
    CHECK(lines.room(1) > 10'000);
  }
  lines.look(kLater());
  CHECK(taker.taken.empty());
  lines.add(1, "\nnext\nbegun");
  lines.add(2, "\n");
  lines.hand_on();
  REQUIRE(taker.taken.size() == 1);
  CHECK(taker.taken[0].output.frames.empty());
  REQUIRE(taker.taken[0].output.spilled.size() == 1);
  CHECK(taker.taken[0].output.spilled[0].length < 1'000);  // where they stand, not they
  CHECK(taker.taken[0].sizes == std::array<std::uint64_t, 2>{out.size() + 6, err.size() + 1});
  const auto shown = taker.shown(taker.taken[0].output);
  CHECK((shown.first == out + "\nnext\n"));
  CHECK((shown.second == err + "\n"));
}

TEST_CASE("without the turn lines are kept, it is asked for once, and they come when it does",
          "[lines]") {
  Taker taker;
  LineBuffer lines{taker, 7, false};
  CHECK(lines.room(1) > 1'000'000);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    std::string some(i % 10 == 0 ? 50'000 : 5'000, static_cast<char>('a' + i % 26));
    lines.add(1, some);
    lines.add(1, "\n");
    lines.look(kLater());
    all += some + "\n";
  }
  CHECK(taker.taken.empty());
  REQUIRE(taker.events.size() == 1);
  CHECK(taker.events[0].type == procrun::event::Type::WantsTurn);
  CHECK(taker.events[0].seq == 7);
  lines.give_turn();
  CHECK((taker.taken_out() == all));
  lines.add(1, "live\n");
  lines.look(kLater());
  CHECK(taker.taken_out() == "live\n");
  CHECK(taker.events.size() == 1);
}

TEST_CASE("no more may come than there is room for, with what waits to be handed on", "[lines]") {
  Taker taker;
  LineBuffer lines{taker, 1, true};
  lines.add(1, std::string(999, 'x') + "\n");
  CHECK(lines.room(1) == 49'000);
  CHECK(lines.room(2) == 50'000);
  lines.add(1, std::string(200, 'x'));
  CHECK(lines.room(1) == 48'800);
  taker.rooms = {0, 300};
  CHECK(lines.room(1) == 0);
  lines.add(2, std::string(299, 'x'));
  CHECK(lines.room(2) > 0);  // or the line could never end
  SECTION("and who is stuck for it hands on at once") {
    lines.look(Clock::now());
    CHECK(taker.taken.size() == 1);
  }
  SECTION("what is longer goes through the file") {
    lines.hand_on();
    REQUIRE(taker.taken.size() == 1);
    CHECK(taker.taken[0].output.frames.empty());
    CHECK((taker.taken_out() == std::string(999, 'x') + "\n"));
  }
}
