#include "engine/wire.h"

#include <signal.h>

#include <catch2/catch.hpp>
#include <stdexcept>

#include "job/own_policy.h"

using namespace std::chrono_literals;
using procrun::ExitStatus;
using procrun::event::Event;
using procrun::event::Type;
using procrun::job::Job;
using procrun::job::Known;
using procrun::job::Order;
using procrun::job::Outcome;
using procrun::job::OwnPolicy;
using procrun::job::Supervised;
using procrun::pool::Reader;
using procrun::pool::Writer;
namespace engine = procrun::engine;
namespace sys = procrun::sys;

TEST_CASE("a job arrives as it was sent", "[wire]") {
  const std::string odd{"a\0b\n\xff", 5};
  Writer writer;
  engine::put(writer, Job{.seq = 1ULL << 40, .slot = 7, .argv = {odd, "", "x"}, .tag = "T\t"});
  Reader reader{writer.bytes()};
  const Job job = engine::get_job(reader);
  CHECK(job.seq == 1ULL << 40);
  CHECK(job.slot == 7);
  CHECK(job.argv == std::vector<std::string>{odd, "", "x"});
  CHECK(job.tag == "T\t");
  CHECK_FALSE(job.by_shell);
  CHECK(job.own == nullptr);
  CHECK(reader.rest().empty());
}

TEST_CASE("what holds for one job alone arrives as it was sent", "[wire]") {
  const auto own = std::make_shared<OwnPolicy>(OwnPolicy{.name = "n",
                                                         .timeout = 3s,
                                                         .retries = 4,
                                                         .directory = "d",
                                                         .env = {"A=1", "B="},
                                                         .unset = {"C"}});
  Writer writer;
  engine::put(writer, Job{.seq = 1, .argv = {"sh", "-c", "x"}, .by_shell = true, .own = own});
  Reader reader{writer.bytes()};
  const Job job = engine::get_job(reader);
  CHECK(job.by_shell);
  REQUIRE(job.own != nullptr);
  CHECK(job.own->name == "n");
  CHECK(job.own->timeout == sys::Duration{3s});
  CHECK(job.own->retries == 4U);
  CHECK(job.own->directory == "d");
  CHECK(job.own->env == std::vector<std::string>{"A=1", "B="});
  CHECK(job.own->unset == std::vector<std::string>{"C"});
  CHECK_FALSE(job.in);
  CHECK(reader.rest().empty());
}

TEST_CASE("a job arrives with the place of its stdin", "[wire]") {
  Writer writer;
  engine::put(writer, Job{.in = sys::Extent{.fd = 9, .offset = 1ULL << 40, .length = 7}});
  Reader reader{writer.bytes()};
  const Job job = engine::get_job(reader);
  REQUIRE(job.in);
  CHECK(job.in->fd == 9);
  CHECK(job.in->offset == 1ULL << 40);
  CHECK(job.in->length == 7);
  CHECK(reader.rest().empty());
}

TEST_CASE("an order arrives as it was sent", "[wire]") {
  Writer writer;
  engine::put(writer, Order{.kind = Order::Kind::Abandon, .signal = SIGHUP, .group_has_it = true});
  Reader reader{writer.bytes()};
  const Order order = engine::get_order(reader);
  CHECK(order.kind == Order::Kind::Abandon);
  CHECK(order.signal == SIGHUP);
  CHECK(order.group_has_it);
  CHECK(reader.rest().empty());
}

TEST_CASE("an event arrives as it was sent", "[wire]") {
  Writer writer;
  engine::put(writer, Event{.type = Type::Leak,
                            .seq = 7,
                            .attempt = 2,
                            .at = sys::Clock::time_point{6ns},
                            .pid = 1,
                            .ppid = 2,
                            .status = -3,
                            .reaped = true,
                            .duration = 4ns,
                            .user = 8ns,
                            .system = 9ns,
                            .max_rss = 10,
                            .text = "sleep 60"});
  Reader reader{writer.bytes()};
  const Event event = engine::get_event(reader);
  CHECK(event.type == Type::Leak);
  CHECK(event.seq == 7);
  CHECK(event.attempt == 2);
  CHECK(event.at == sys::Clock::time_point{6ns});
  CHECK(event.pid == 1);
  CHECK(event.ppid == 2);
  CHECK(event.status == -3);
  CHECK(event.reaped);
  CHECK(event.duration == 4ns);
  CHECK(event.user == 8ns);
  CHECK(event.system == 9ns);
  CHECK(event.max_rss == 10);
  CHECK(event.text == "sleep 60");
  CHECK(reader.rest().empty());
}

TEST_CASE("an outcome with its output arrives as it was sent", "[wire]") {
  Supervised sent;
  sent.outcome = {.kind = Outcome::Kind::TimedOut,
                  .status = ExitStatus{SIGKILL},
                  .killed = true,
                  .fault = Outcome::Fault::Output,
                  .oom = Known::No,
                  .accepted = true,
                  .left_behind = true,
                  .code = 126,
                  .pid = 99,
                  .attempts = 3,
                  .duration = 5s,
                  .usage = {.user = 1s, .max_rss = 2},
                  .why = "because"};
  sent.output = {.frames = std::string{"f\0g", 3}, .spilled = {{1ULL << 40, 17}, {5, 6}}};
  Writer writer;
  engine::put(writer, sent);
  Reader reader{writer.bytes()};
  const Supervised got = engine::get_supervised(reader);
  CHECK(got.outcome.kind == Outcome::Kind::TimedOut);
  CHECK(got.outcome.status == ExitStatus{SIGKILL});
  CHECK(got.outcome.killed);
  CHECK(got.outcome.fault == Outcome::Fault::Output);
  CHECK(got.outcome.oom == Known::No);
  CHECK(got.outcome.accepted);
  CHECK(got.outcome.left_behind);
  CHECK(got.outcome.code == 126);
  CHECK(got.outcome.pid == 99);
  CHECK(got.outcome.attempts == 3);
  CHECK(got.outcome.duration == 5s);
  CHECK(got.outcome.usage.user == 1s);
  CHECK(got.outcome.usage.max_rss == 2);
  CHECK(got.outcome.why == "because");
  CHECK(got.output.frames == sent.output.frames);
  REQUIRE(got.output.spilled.size() == 2);
  CHECK(got.output.spilled[0].offset == 1ULL << 40);
  CHECK(got.output.spilled[0].length == 17);
  CHECK(got.output.spilled[1].end() == 11);
  CHECK(reader.rest().empty());
}

TEST_CASE("lines arrive as they were sent", "[wire]") {
  const engine::HandedOn sent{
      .output = {.frames = "abc", .spilled = {{7, 9}}},
      .receipt = {1, 1ULL << 40},
  };
  Writer writer;
  engine::put(writer, sent);
  Reader reader{writer.bytes()};
  const auto got = engine::get_handed_on(reader);
  CHECK(got.receipt == sent.receipt);
  CHECK(got.output.frames == "abc");
  REQUIRE(got.output.spilled.size() == 1);
  CHECK(got.output.spilled[0].end() == 16);
  CHECK(reader.rest().empty());
}

TEST_CASE("bytes that are cut off are an error", "[wire]") {
  Writer writer;
  engine::put(writer, Job{.seq = 1, .argv = {"a", "b"}, .tag = "t"});
  const std::string whole = writer.bytes();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Reader reader{std::string_view{whole}.substr(0, size)};
    CHECK_THROWS_AS(engine::get_job(reader), std::runtime_error);
  }
}
