#include "pool/outbox.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <vector>

#include "pool/channel.h"
#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::pool::Channel;
using procrun::pool::Outbox;
using procrun::pool::RecordType;
using procrun::test::in_child;
using Ids = std::vector<std::uint64_t>;

namespace {

struct Heard {
  Ids before;  // its end: what it had sent
  Ids all;     // with what it held
};

Ids take_all(Channel& channel) {
  Ids ids;
  while (const auto record = channel.next()) ids.push_back(record->id);
  return ids;
}

/// What a front finds of a worker that does `life` and is killed.
template <class Life>
Heard heard_of(Life life) {
  sys::Pipe down = sys::make_pipe();
  sys::Pipe up = sys::make_pipe();
  Outbox outbox = Outbox::make();
  const auto end = in_child([&](int) {
    Channel worker{std::move(down.read), std::move(up.write), std::move(outbox)};
    life(worker);
    ::raise(SIGKILL);
    return 0;
  });
  CHECK(end.signaled(SIGKILL));
  up.write.reset();
  Channel front{std::move(up.read), std::move(down.write), std::move(outbox)};
  while (front.receive() == Channel::Read::Some) {
  }
  Heard heard{take_all(front), {}};
  front.receive_rest();
  heard.all = heard.before;
  for (const auto id : take_all(front)) heard.all.push_back(id);
  return heard;
}

void put(Channel& channel, std::uint64_t id, std::size_t size = 10) {
  channel.put(RecordType::Result, id, std::string(size, 'x'));
}

}  // namespace

TEST_CASE("what a killed worker held is found by its front", "[outbox]") {
  const auto heard = heard_of([](Channel& worker) {
    put(worker, 1);
    worker.hold();
    put(worker, 2);
    worker.hold();
  });
  CHECK(heard.before.empty());
  CHECK(heard.all == Ids{1, 2});
}

TEST_CASE("what a killed worker had sent before is not heard twice", "[outbox]") {
  const auto heard = heard_of([](Channel& worker) {
    put(worker, 1);
    worker.hold();
    put(worker, 2);
    worker.flush();
  });
  CHECK(heard.before == Ids{1, 2});
  CHECK(heard.all == Ids{1, 2});
}

TEST_CASE("what is held after something was sent follows it", "[outbox]") {
  const auto heard = heard_of([](Channel& worker) {
    for (std::uint64_t id = 1; id <= 100; ++id) {
      put(worker, id, static_cast<std::size_t>(id));
      if (id % 7 == 0) {
        worker.flush();
      } else {
        worker.hold();
      }
    }
  });
  REQUIRE(heard.all.size() == 100);
  for (std::uint64_t id = 1; id <= 100; ++id) CHECK(heard.all[id - 1] == id);
  CHECK(heard.before.size() == 98);
}

TEST_CASE("what was not held is lost with its worker, and nothing else is", "[outbox]") {
  const auto heard = heard_of([](Channel& worker) {
    put(worker, 1);
    worker.hold();
    put(worker, 2);
  });
  CHECK(heard.all == Ids{1});
}

TEST_CASE("what has no room in the outbox is sent, behind what is held", "[outbox]") {
  const auto heard = heard_of([](Channel& worker) {
    put(worker, 1);
    worker.hold();
    put(worker, 2, 30'000);
    worker.hold();
    put(worker, 3);
    worker.hold();
  });
  CHECK(heard.before == Ids{1, 2});
  CHECK(heard.all == Ids{1, 2, 3});
}

TEST_CASE("an end without an outbox sends at once", "[outbox]") {
  sys::Pipe pipe = sys::make_pipe();
  Channel channel{sys::Fd{}, std::move(pipe.write)};
  CHECK_FALSE(channel.can_hold());
  put(channel, 1);
  channel.hold();
  channel = Channel{};
  Channel other{std::move(pipe.read), sys::Fd{}};
  CHECK(other.receive() == Channel::Read::Some);
  CHECK(take_all(other) == Ids{1});
}
