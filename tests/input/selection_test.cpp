#include "input/selection.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <stdexcept>

#include "input/inputs.h"
#include "support.h"

using procrun::input::from_values;
using procrun::input::Inputs;
using procrun::input::parse_share;
using procrun::input::Pull;
using procrun::input::Row;
using procrun::input::Rows;
using procrun::input::Selection;
using procrun::input::Share;
using procrun::input::shuffled;
using procrun::input::stable_hash;

namespace {

std::unique_ptr<Rows> rows_of(const Row& values) {
  std::vector<Inputs::Entry> entries;
  entries.push_back({.source = from_values(values)});
  return std::make_unique<Inputs>(std::move(entries));
}

Row numbers(int count) {
  Row values;
  for (int i = 0; i < count; ++i) values.push_back(std::to_string(i));
  return values;
}

/// The first items.
Row all_of(Rows& rows) {
  Row all;
  Row row;
  while (rows.next(row) == Pull::Item) all.push_back(row.at(0));
  CHECK(rows.next(row) == Pull::End);
  return all;
}

Row share_of(int count, const std::string& share) {
  Selection selection{rows_of(numbers(count)), std::nullopt, parse_share(share)};
  return all_of(selection);
}

Row in_order_of(std::uint64_t seed, int count) {
  const auto rows = rows_of(numbers(count));
  return all_of(*shuffled(*rows, seed));
}

/// Fails the test if it is asked for more than it has.
class Strict final : public Rows {
 public:
  Pull next(Row& row) override {
    REQUIRE(left_-- > 0);
    row = {"x"};
    return Pull::Item;
  }
  int wait_fd() const override { return -1; }

 private:
  int left_ = 3;
};

}  // namespace

TEST_CASE("rows at the front are left out", "[selection]") {
  const auto rows = rows_of(numbers(4));
  procrun::input::skip(*rows, 2);
  CHECK(all_of(*rows) == Row{"2", "3"});
  const auto few = rows_of(numbers(4));
  procrun::input::skip(*few, 9);
  CHECK(all_of(*few) == Row{});
}

TEST_CASE("so many rows are taken and what follows is not read", "[selection]") {
  Selection selection{std::make_unique<Strict>(), 3, std::nullopt};
  CHECK(all_of(selection).size() == 3);
  Selection none{std::make_unique<Strict>(), 0, std::nullopt};
  CHECK(all_of(none).empty());
}

TEST_CASE("a slice is every n-th row", "[selection]") {
  CHECK(share_of(7, "slice:1/3") == Row{"0", "3", "6"});
  CHECK(share_of(7, "slice:3/3") == Row{"2", "5"});
  CHECK(share_of(3, "slice:1/1") == Row{"0", "1", "2"});
  CHECK(share_of(2, "slice:3/3") == Row{});
}

TEST_CASE("the shares of a partition are the whole and have nothing in common", "[selection]") {
  const std::string by = GENERATE("slice", "hash");
  for (const int n : {1, 2, 7}) {
    Row together;
    for (int m = 1; m <= n; ++m) {
      const auto share = share_of(500, by + ":" + std::to_string(m) + "/" + std::to_string(n));
      CHECK(share.size() > 500U / static_cast<unsigned>(n) / 2);
      together.insert(together.end(), share.begin(), share.end());
    }
    auto expected = numbers(500);
    std::sort(expected.begin(), expected.end());
    std::sort(together.begin(), together.end());
    CHECK(together == expected);
  }
}

TEST_CASE("a hash is the one that everyone calls FNV-1a", "[selection]") {
  CHECK(stable_hash({""}) == 0xcbf29ce484222325);
  CHECK(stable_hash({"a"}) == 0xaf63dc4c8601ec8c);
  CHECK(stable_hash({"foobar"}) == 0x85944171f73967e8);
  CHECK(stable_hash({"a", "b"}) != stable_hash({"ab"}));
}

TEST_CASE("a share by hash does not depend on where an item stands", "[selection]") {
  const auto share = share_of(100, "hash:1/2");
  auto values = numbers(100);
  std::reverse(values.begin(), values.end());
  Selection selection{rows_of(values), std::nullopt, parse_share("hash:1/2")};
  auto reversed = all_of(selection);
  std::reverse(reversed.begin(), reversed.end());
  CHECK(reversed == share);
}

TEST_CASE("who looks for a share without end is heard of now and then", "[selection]") {
  class Endless final : public Rows {
   public:
    Pull next(Row& row) override {
      row = {""};  // in share 2 of 2
      return Pull::Item;
    }
    int wait_fd() const override { return -1; }
  };
  const procrun::test::SameOpenFds guard;
  Selection selection{std::make_unique<Endless>(), 100'000, parse_share("hash:1/2")};
  Row row;
  int pauses = 0;
  while (selection.next(row) == Pull::Later) {
    pollfd readable{.fd = selection.wait_fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 0) == 1);
    ++pauses;
  }
  CHECK(pauses >= 10);
  CHECK(selection.wait_fd() == -1);
}

TEST_CASE("the share is one of what was counted", "[selection]") {
  Selection selection{rows_of(numbers(9)), 4, parse_share("slice:2/2")};
  CHECK(all_of(selection) == Row{"1", "3"});
}

TEST_CASE("a seed gives an order, the same each time", "[selection]") {
  CHECK(in_order_of(1, 8) == in_order_of(1, 8));
  CHECK(in_order_of(1, 50) != in_order_of(2, 50));
  // Written down: whoever divided the work by a seed wants the same order from the next version.
  CHECK(in_order_of(7, 6) == Row{"5", "1", "4", "2", "0", "3"});
  auto sorted = in_order_of(3, 8);
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == numbers(8));
  CHECK(in_order_of(1, 0).empty());
}

TEST_CASE("what is no share is refused", "[selection]") {
  for (const std::string text :
       {"", "slice", "slice:", "slice:1", "slice:0/2", "slice:3/2", "hash:1/0", "hash:-1/2", "1/2",
        "slice:1/2/3", "slice: 1/2", "count:1/2", "slice:1/99999999999999999999"}) {
    INFO(text);
    CHECK_THROWS_AS(parse_share(text), std::invalid_argument);
    CHECK_THROWS_WITH(parse_share(text), Catch::Contains("slice:m/n or hash:m/n"));
  }
  CHECK(parse_share("hash:2/3").by == Share::By::Hash);
  CHECK(parse_share("hash:2/3").mine == 2);
  CHECK(parse_share("hash:2/3").of == 3);
}
