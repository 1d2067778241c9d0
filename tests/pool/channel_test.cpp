#include "pool/channel.h"

#include <fcntl.h>
#include <signal.h>

#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::pool::Channel;
using procrun::pool::Record;
using procrun::pool::RecordType;
using procrun::test::SameOpenFds;

namespace {

struct Ends {
  Channel near;
  Channel far;
};

/// Two ends that do not block, over pipes that hold a page.
Ends tiny_channel() {
  sys::Pipe there = sys::make_pipe();
  sys::Pipe back = sys::make_pipe();
  for (const sys::Pipe* pipe : {&there, &back}) {
    ::fcntl(pipe->write.get(), F_SETPIPE_SZ, 4096);
    sys::set_nonblocking(pipe->read.get());
    sys::set_nonblocking(pipe->write.get());
  }
  return {Channel{std::move(back.read), std::move(there.write)},
          Channel{std::move(there.read), std::move(back.write)}};
}

struct Copy {
  RecordType type;
  std::uint64_t id;
  std::string payload;
  bool operator==(const Copy&) const = default;
};

/// Moves all that waits from one end to the other, in as many pieces as that takes.
std::vector<Copy> move_all(Channel& from, Channel& to) {
  std::vector<Copy> records;
  for (;;) {
    const bool sent = from.flush();
    const auto read = to.receive();
    while (const auto record = to.next()) {
      records.push_back({record->type, record->id, std::string{record->payload}});
    }
    if (sent && read != Channel::Read::Some) return records;
  }
}

}  // namespace

TEST_CASE("a record arrives as it was sent", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  near.put(RecordType::Call, 42, "payload");
  CHECK(move_all(near, far) == std::vector<Copy>{{RecordType::Call, 42, "payload"}});
  far.put(RecordType::Error, 42, "");
  CHECK(move_all(far, near) == std::vector<Copy>{{RecordType::Error, 42, ""}});
}

TEST_CASE("a record larger than the pipe arrives in pieces", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  const std::string large(1'000'000, 'x');
  near.put(RecordType::Result, 1, large);
  CHECK_FALSE(near.flush());
  CHECK(far.receive() == Channel::Read::Some);
  CHECK_FALSE(far.next());
  CHECK(move_all(near, far) == std::vector<Copy>{{RecordType::Result, 1, large}});
}

TEST_CASE("records of any size arrive in their order", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  std::mt19937 random{1};
  std::vector<Copy> sent;
  for (std::uint64_t id = 0; id < 200; ++id) {
    const std::size_t size = random() % 4 == 0 ? random() % 200'000 : random() % 100;
    std::string payload(size, '\0');
    for (char& byte : payload) byte = static_cast<char>(random());
    near.put(RecordType::Tell, id, payload);
    sent.push_back({RecordType::Tell, id, std::move(payload)});
    if (random() % 3 == 0) near.flush();
  }
  CHECK(move_all(near, far) == sent);
}

TEST_CASE("small records travel together", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  for (std::uint64_t id = 0; id < 10; ++id) near.put(RecordType::Tell, id, "x");
  CHECK(near.flush());
  CHECK(far.receive() == Channel::Read::Some);
  int count = 0;
  while (far.next()) ++count;
  CHECK(count == 10);
}

TEST_CASE("an empty channel has nothing to tell", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  CHECK(near.receive() == Channel::Read::Nothing);
  CHECK_FALSE(near.next());
  CHECK(near.flush());
}

TEST_CASE("a record that was on its way when the other side closed still arrives", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  near.put(RecordType::Result, 1, "last words");
  REQUIRE(near.flush());
  near.close_out();
  CHECK(far.receive() == Channel::Read::Some);
  REQUIRE(far.next());
  CHECK(far.receive() == Channel::Read::Closed);
}

TEST_CASE("a record of which only a part arrived is none", "[channel]") {
  const SameOpenFds guard;
  auto [near, far] = tiny_channel();
  near.put(RecordType::Result, 1, std::string(100'000, 'x'));
  CHECK_FALSE(near.flush());
  near = Channel{};
  while (far.receive() == Channel::Read::Some) CHECK_FALSE(far.next());
  CHECK_FALSE(far.next());
}

TEST_CASE("writing to a side that is gone drops what waits and tells so", "[channel]") {
  const procrun::test::NoChildLeft guard;
  const auto end = procrun::test::in_child([](int) {
    ::signal(SIGPIPE, SIG_IGN);
    auto [near, far] = tiny_channel();
    far = Channel{};
    near.put(RecordType::Call, 1, "x");
    if (near.gone() || !near.flush() || !near.gone()) return 1;
    near.put(RecordType::Call, 2, "y");
    return near.flush() ? 0 : 2;
  });
  CHECK(end.exited(0));
}
