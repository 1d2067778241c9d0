#include "engine/dependencies.h"

#include <catch2/catch.hpp>

namespace {

using procrun::engine::Dependencies;
using procrun::engine::Waiting;
using procrun::input::JsonJob;
using Seqs = std::vector<std::uint64_t>;
using Texts = std::vector<std::string>;

Waiting job(std::uint64_t seq, const std::string& name, const Texts& after = {}) {
  JsonJob json{.name = name};
  json.after = after;
  return {.seq = seq, .json = std::make_shared<const JsonJob>(std::move(json))};
}

Seqs ready(const Dependencies::Released& released) {
  Seqs seqs;
  for (const auto& one : released.ready) seqs.push_back(one.seq);
  std::sort(seqs.begin(), seqs.end());
  return seqs;
}

/// As `4 needs 'build', which failed`.
Texts skipped(const Dependencies::Released& released) {
  Texts texts;
  for (const auto& one : released.skipped) {
    texts.push_back(std::to_string(one.waiting.seq) + " " + one.why);
  }
  std::sort(texts.begin(), texts.end());
  return texts;
}

Dependencies::Released ended(Dependencies& all, const std::string& name,
                             const Dependencies::End& end = {}) {
  return all.ended(JsonJob{.name = name}, end);
}

const Dependencies::End kFailed{.ok = false, .why_not = "failed"};

TEST_CASE("a job that is after none can be run at once", "[dependencies]") {
  Dependencies all;
  CHECK(ready(all.add(job(1, "a"))) == Seqs{1});
  CHECK(ready(all.add(job(2, ""))) == Seqs{2});
  CHECK(all.held() == 0);
}

TEST_CASE("a job is held until the last of those that it is after has ended", "[dependencies]") {
  Dependencies all;
  all.add(job(1, "a"));
  all.add(job(2, "b"));
  CHECK(ready(all.add(job(3, "c", {"a", "b"}))).empty());
  CHECK(all.held() == 1);
  CHECK(ready(ended(all, "b")).empty());
  CHECK(ready(ended(all, "a")) == Seqs{3});
  CHECK(all.held() == 0);
  CHECK(ready(all.add(job(4, "", {"b", "a"}))) == Seqs{4});  // both have ended
  CHECK(ready(all.add(job(5, "", {"c", "a"}))).empty());
  CHECK(ready(ended(all, "c")) == Seqs{5});
}

TEST_CASE("a job may be after one that comes later", "[dependencies]") {
  Dependencies all;
  CHECK(ready(all.add(job(1, "b", {"a"}))).empty());
  CHECK(ready(all.add(job(2, "a"))) == Seqs{2});
  CHECK(ready(ended(all, "a")) == Seqs{1});
}

TEST_CASE("one end can set several jobs free, and all of them know it", "[dependencies]") {
  Dependencies all;
  all.add(job(1, "a"));
  all.add(job(2, "b", {"a"}));
  all.add(job(3, "c", {"a"}));
  CHECK(ready(ended(all, "a")) == Seqs{2, 3});
  CHECK(ready(ended(all, "a")).empty());
}

TEST_CASE("a job is skipped with the reason, and so are those after it", "[dependencies]") {
  Dependencies all;
  all.add(job(1, "a"));
  all.add(job(2, "b", {"a"}));
  all.add(job(3, "c", {"b"}));
  all.add(job(4, "", {"c", "a"}));
  all.add(job(5, "x"));
  CHECK(skipped(ended(all, "a", kFailed)) == Texts{"2 needs 'a', which failed",
                                                   "3 needs 'b', which was skipped",
                                                   "4 needs 'a', which failed"});
  CHECK(all.held() == 0);
  CHECK(ended(all, "x").skipped.empty());
  SECTION("also one that comes when all is over") {
    CHECK(skipped(all.add(job(6, "d", {"x", "c"}))) == Texts{"6 needs 'c', which was skipped"});
    CHECK(skipped(all.add(job(7, "", {"d"}))) == Texts{"7 needs 'd', which was skipped"});
  }
  SECTION("one that was already there waits for it no longer") {
    all.add(job(6, "e", {"f"}));
    CHECK(skipped(all.add(job(7, "f", {"b"}))) ==
          Texts{"6 needs 'f', which was skipped", "7 needs 'b', which was skipped"});
  }
}

TEST_CASE("a job that is skipped for one is not set free by another", "[dependencies]") {
  Dependencies all;
  all.add(job(1, "a"));
  all.add(job(2, "b"));
  all.add(job(3, "", {"a", "b"}));
  CHECK(skipped(ended(all, "a", kFailed)).size() == 1);
  const auto released = ended(all, "b");
  CHECK(released.ready.empty());
  CHECK(released.skipped.empty());
}

TEST_CASE("what an earlier run has ended counts without having been added", "[dependencies]") {
  Dependencies all;
  all.add(job(2, "", {"a"}));
  CHECK(ready(ended(all, "a")) == Seqs{2});
  CHECK(ended(all, "z", {.ok = false, .why_not = "failed in an earlier run"}).skipped.empty());
  CHECK(skipped(all.add(job(3, "", {"z"}))) ==
        Texts{"3 needs 'z', which failed in an earlier run"});
}

}  // namespace
