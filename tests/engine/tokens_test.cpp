#include "engine/tokens.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "support.h"

using procrun::engine::JobserverClient;
using procrun::engine::JobserverServer;
using procrun::engine::Tokens;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;

namespace {

JobserverClient client_of(const JobserverServer& server) {
  return JobserverClient{"fifo:" + server.fifo()};
}

int count_in(const JobserverServer& server) {
  int count = 0;
  REQUIRE(::ioctl(server.address().read, FIONREAD, &count) == 0);
  return count;
}

template <class Do>
void in_child(Do what) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    what();
    ::_exit(0);
  }
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
}

}  // namespace

TEST_CASE("the first job needs no token, and each one beside it does", "[tokens]") {
  const SameOpenFds guard;
  const JobserverServer server{3};
  Tokens tokens{client_of(server), 8};
  CHECK(tokens.take(0));
  CHECK(count_in(server) == 2);
  CHECK(tokens.take(1));
  CHECK(tokens.take(2));
  CHECK(count_in(server) == 0);
  CHECK_FALSE(tokens.ready());
  CHECK_FALSE(tokens.take(3));
}

TEST_CASE("the place without a token is free again when its job has ended", "[tokens]") {
  const SameOpenFds guard;
  const JobserverServer server{2};
  Tokens tokens{client_of(server), 4};
  REQUIRE(tokens.take(0));
  REQUIRE(tokens.take(1));
  tokens.release(0);
  CHECK(count_in(server) == 0);
  CHECK(tokens.ready());
  CHECK(tokens.take(2));
  CHECK_FALSE(tokens.ready());
}

TEST_CASE("a token that the worker gave back is not given back again", "[tokens]") {
  const NoChildLeft no_child;
  const SameOpenFds guard;
  const JobserverServer server{2};
  Tokens tokens{client_of(server), 4};
  REQUIRE(tokens.take(0));
  REQUIRE(tokens.take(1));
  in_child([&] { tokens.give_back(1); });
  CHECK(count_in(server) == 1);
  tokens.release(1);
  CHECK(count_in(server) == 1);
}

TEST_CASE("a worker that dies with its token leaves it to the front", "[tokens]") {
  const NoChildLeft no_child;
  const SameOpenFds guard;
  const JobserverServer server{2};
  Tokens tokens{client_of(server), 4};
  REQUIRE(tokens.take(0));
  REQUIRE(tokens.take(1));
  in_child([] {});
  CHECK(count_in(server) == 0);
  tokens.release(1);
  CHECK(count_in(server) == 1);
}

TEST_CASE("all tokens go back at the end", "[tokens]") {
  const SameOpenFds guard;
  const JobserverServer server{4};
  {
    Tokens tokens{client_of(server), 4};
    for (const unsigned slot : {0U, 1U, 2U, 3U}) REQUIRE(tokens.take(slot));
    REQUIRE(count_in(server) == 0);
  }
  CHECK(count_in(server) == 3);
}

TEST_CASE("tokens lost by clients are counted and made up for when no job is in hand", "[tokens]") {
  const SameOpenFds guard;
  JobserverServer server{3};
  Tokens tokens{client_of(server), 3, &server};
  REQUIRE(tokens.take(0));
  client_of(server).take();
  REQUIRE(tokens.take(1));
  CHECK_FALSE(tokens.ready());
  tokens.release(0);
  tokens.release(1);
  REQUIRE(tokens.take(0));
  CHECK(count_in(server) == 2);
  tokens.release(0);
  CHECK(tokens.count_lost() == 1);
}
