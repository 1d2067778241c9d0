#include "engine/past.h"

#include <catch2/catch.hpp>

#include "engine/halt.h"

using procrun::engine::Again;
using procrun::engine::Fate;
using procrun::engine::fnv1a_128;
using procrun::engine::HaltRule;
using procrun::engine::Identities;
using procrun::engine::Identity;
using procrun::engine::Past;
using procrun::input::parse_json_job;

TEST_CASE("the hash is FNV-1a of 128 bits", "[identity]") {
  CHECK(fnv1a_128("") == "6c62272e07bb014262b821756295c58d");
  CHECK(fnv1a_128("a") == "d228cb696f1a8caf78912b704e4a8964");
  CHECK(fnv1a_128("foobar") == "343e1662793c64bf6f0d3597ba446f18");
}

TEST_CASE("a job is known by its command, directory and row, and which one of those it is",
          "[identity]") {
  Identities one{{"echo", "{}"}, "/tmp"};
  const Identity a = one.next({"a"});
  const Identity b = one.next({"b"});
  const Identity a_again = one.next({"a"});
  CHECK(a.key != b.key);
  CHECK(a.key == a_again.key);
  CHECK(a.occurrence == 1);
  CHECK(a_again.occurrence == 2);
  CHECK(Identities({"echo", "{}"}, "/tmp").next({"a"}).key == a.key);
  CHECK(Identities({"echo", "{}"}, "/").next({"a"}).key != a.key);
  CHECK(Identities({"echo {}"}, "/tmp").next({"a"}).key != a.key);
  CHECK(Identities({"e"}, "/").next({"ab", "c"}).key !=
        Identities({"e"}, "/").next({"a", "bc"}).key);
}

TEST_CASE("a job in JSON is known by its command, directory and variables too", "[identity]") {
  const auto key = [](const std::string& json) {
    const auto job = parse_json_job(json);
    return Identities({}, "/").next({"n"}, &job).key;
  };
  const std::string a = key(R"({"name":"n","argv":["a"]})");
  CHECK(a == key(R"({"argv":["a"],"name":"n"})"));
  CHECK(a == key(R"({"name":"n","argv":["a"],"timeout":1,"retries":2,"cost":3,"after":"x"})"));
  CHECK(a != key(R"({"name":"n","argv":["a","b"]})"));
  CHECK(a != key(R"({"name":"n","shell":"a"})"));
  CHECK(a != key(R"({"name":"n","argv":["a"],"cwd":"d"})"));
  CHECK(a != key(R"({"name":"n","argv":["a"],"env":{"A":"1"}})"));
  CHECK(key(R"({"name":"n","argv":["a"],"env":{"A":"","B":null}})") !=
        key(R"({"name":"n","argv":["a"],"env":{"A":null,"B":""}})"));
  CHECK(a != Identities({}, "/").next({"n"}).key);
}

TEST_CASE("which jobs are run again depends on what became of them", "[past]") {
  const auto runs = [](Again again, Fate fate) { return Past{again}.is_to_run(fate); };
  for (const Fate fate : {Fate::Unknown, Fate::InFlight, Fate::Ok, Fate::Failed}) {
    CHECK(runs(Again::All, fate));
  }
  CHECK(runs(Again::Unfinished, Fate::Unknown));
  CHECK(runs(Again::Unfinished, Fate::InFlight));
  CHECK_FALSE(runs(Again::Unfinished, Fate::Ok));
  CHECK_FALSE(runs(Again::Unfinished, Fate::Failed));
  CHECK(runs(Again::NotOk, Fate::Failed));
  CHECK_FALSE(runs(Again::NotOk, Fate::Ok));
  CHECK_FALSE(runs(Again::OnlyFailed, Fate::Unknown));
  CHECK(runs(Again::OnlyFailed, Fate::InFlight));
  CHECK(runs(Again::OnlyFailed, Fate::Failed));
  CHECK_FALSE(runs(Again::OnlyFailed, Fate::Ok));
}

TEST_CASE("the last word on a job counts, each occurrence has its own", "[past]") {
  Past past{Again::Unfinished};
  past.note("k", 1, Fate::InFlight);
  past.note("k", 1, Fate::Ok);
  past.note("k", 2, Fate::InFlight);
  CHECK(past.fate({.key = "k", .occurrence = 1}) == Fate::Ok);
  CHECK(past.fate({.key = "k", .occurrence = 2}) == Fate::InFlight);
  CHECK(past.fate({.key = "k", .occurrence = 3}) == Fate::Unknown);
  CHECK(past.fate({.key = "other", .occurrence = 1}) == Fate::Unknown);
}

TEST_CASE("WRONGRESUME: a job log with another command under the same number is an error",
          "[past]") {
  Past past{Again::Unfinished};
  past.note(2, "echo b", Fate::Ok);
  CHECK(past.fate(2, "echo b") == Fate::Ok);
  CHECK(past.fate(3, "echo c") == Fate::Unknown);
  CHECK_THROWS_WITH(past.fate(2, "echo x"),
                    Catch::Contains("job 2 was 'echo b', but now it is 'echo x'"));
}

TEST_CASE("a rule to halt counts what it names, and percents of all once all are known", "[halt]") {
  using When = HaltRule::When;
  using What = HaltRule::What;
  CHECK_FALSE(HaltRule{}.holds(99, 99, 100));
  const HaltRule two_failed{.when = When::Now, .what = What::Fail, .count = 2};
  CHECK_FALSE(two_failed.holds(1, 5, {}));
  CHECK(two_failed.holds(2, 0, {}));
  const HaltRule won{.when = When::Now, .what = What::Success, .count = 1};
  CHECK_FALSE(won.holds(3, 0, {}));
  CHECK(won.holds(3, 1, {}));
  const HaltRule three_done{.when = When::Soon, .what = What::Done, .count = 3};
  CHECK_FALSE(three_done.holds(1, 1, {}));
  CHECK(three_done.holds(1, 2, {}));
  const HaltRule half{.when = When::Now, .what = What::Fail, .percent = 50};
  CHECK_FALSE(half.holds(5, 0, {}));
  CHECK_FALSE(half.holds(4, 6, 10));
  CHECK(half.holds(5, 0, 10));
  CHECK_FALSE(half.holds(0, 0, 0));
}
