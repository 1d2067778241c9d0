#include "input/inputs.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "support.h"

using procrun::input::from_file;
using procrun::input::from_values;
using procrun::input::Inputs;
using procrun::input::Pairing;
using procrun::input::Pull;
using procrun::input::Source;
namespace sys = procrun::sys;

namespace {

using Row = std::vector<std::string>;

struct Values {
  Row values;
  bool linked = false;
};

Inputs inputs_of(const std::vector<Values>& sources, Pairing pairing = Pairing::Shortest) {
  std::vector<Inputs::Entry> entries;
  for (const auto& source : sources) {
    entries.push_back({.source = from_values(source.values), .linked = source.linked});
  }
  return Inputs{std::move(entries), pairing};
}

/// All rows, each as `a b c`.
Row rows(Inputs inputs) {
  Row all;
  Row row;
  while (inputs.next(row) == Pull::Item) {
    all.emplace_back();
    for (const auto& item : row) all.back() += (&item == &row[0] ? "" : " ") + item;
  }
  CHECK(inputs.next(row) == Pull::End);
  return all;
}

/// Counts without end, and notes how far it was asked.
class Counter final : public Source {
 public:
  explicit Counter(int& count) : count_{count} {}
  Pull next(std::string& item) override {
    item = std::to_string(++count_);
    return Pull::Item;
  }

 private:
  int& count_;
};

/// Says later before each item and before the end.
class Hesitant final : public Source {
 public:
  Hesitant(Row values, int fd) : source_{from_values(std::move(values))}, fd_{fd} {}
  Pull next(std::string& item) override {
    is_ready_ = !is_ready_;
    return is_ready_ ? Pull::Later : source_->next(item);
  }
  int wait_fd() const override { return fd_; }

 private:
  std::unique_ptr<Source> source_;
  int fd_;
  bool is_ready_ = false;
};

}  // namespace

TEST_CASE("one source makes a row of each item", "[inputs]") {
  CHECK(rows(inputs_of({{{"a", "", "c"}}})) == Row{"a", "", "c"});
  CHECK(rows(inputs_of({{{}}})) == Row{});
  CHECK(rows(inputs_of({})) == Row{});
}

TEST_CASE("several sources make the product and the last varies fastest", "[inputs]") {
  CHECK(rows(inputs_of({{{"1", "2"}}, {{"a", "b", "c"}}})) ==
        Row{"1 a", "1 b", "1 c", "2 a", "2 b", "2 c"});
  CHECK(rows(inputs_of({{{"1", "2"}}, {{"a"}}, {{"x", "y"}}})) ==
        Row{"1 a x", "1 a y", "2 a x", "2 a y"});
}

TEST_CASE("linked sources advance together until the shortest ends", "[inputs]") {
  CHECK(rows(inputs_of({{{"a", "b"}}, {{"1", "2", "3"}, true}})) == Row{"a 1", "b 2"});
  CHECK(rows(inputs_of({{{"a", "b", "c"}}, {{"1"}, true}})) == Row{"a 1"});
  CHECK(rows(inputs_of({{{"a", "b", "c"}}, {{"1", "2"}, true}, {{"x"}, true}})) == Row{"a 1 x"});
  CHECK(rows(inputs_of({{{"a", "b"}, true}})) == Row{"a", "b"});
}

TEST_CASE("products and links combine as in GNU parallel", "[inputs]") {
  CHECK(rows(inputs_of({{{"a", "b"}}, {{"c", "d"}}, {{"1", "2", "3"}, true}})) ==
        Row{"a c 1", "a d 2", "b c 1", "b d 2"});
  CHECK(rows(inputs_of({{{"a", "b"}}, {{"1", "2"}, true}, {{"X", "Y"}}})) ==
        Row{"a 1 X", "a 1 Y", "b 2 X", "b 2 Y"});
  CHECK(rows(inputs_of({{{"a", "b"}}, {{"c", "d"}}, {{"1", "2"}, true}, {{"p", "q"}, true}})) ==
        Row{"a c 1 p", "a d 2 q", "b c 1 p", "b d 2 q"});
}

TEST_CASE("recycled sources begin anew until the longest ends", "[inputs]") {
  CHECK(rows(inputs_of({{{"a", "b", "c"}}, {{"1", "2"}, true}, {{"x", "y", "z", "w"}, true}},
                       Pairing::Recycle)) == Row{"a 1 x", "b 2 y", "c 1 z", "a 2 w"});
  CHECK(rows(inputs_of({{{"a"}}, {{"1", "2"}}, {{"x"}, true}}, Pairing::Recycle)) ==
        Row{"a 1 x", "a 2 x"});
}

TEST_CASE("a source without an item makes no rows", "[inputs]") {
  const auto pairing = GENERATE(Pairing::Shortest, Pairing::Recycle);
  CHECK(rows(inputs_of({{{"a", "b"}}, {{}}}, pairing)) == Row{});
  CHECK(rows(inputs_of({{{}}, {{"a", "b"}}}, pairing)) == Row{});
  CHECK(rows(inputs_of({{{"a", "b"}}, {{}, true}}, pairing)) == Row{});
  CHECK(rows(inputs_of({{{}}, {{"a", "b"}, true}}, pairing)) == Row{});
}

TEST_CASE("the first source is read no further than its rows are asked for", "[inputs]") {
  int count = 0;
  std::vector<Inputs::Entry> entries;
  entries.push_back({.source = std::make_unique<Counter>(count)});
  entries.push_back({.source = from_values({"x", "y"})});
  Inputs inputs{std::move(entries)};
  Row row;
  for (const auto& expected : {Row{"1", "x"}, Row{"1", "y"}, Row{"2", "x"}}) {
    REQUIRE(inputs.next(row) == Pull::Item);
    CHECK(row == expected);
  }
  CHECK(count == 2);
}

TEST_CASE("a row of an earlier use is overwritten whole", "[inputs]") {
  auto inputs = inputs_of({{{"a"}}, {{"b"}}});
  Row row{"old", "older", "oldest"};
  REQUIRE(inputs.next(row) == Pull::Item);
  CHECK(row == Row{"a", "b"});
  CHECK(inputs.width() == 2);
}

TEST_CASE("who has nothing yet is waited for and no item is lost", "[inputs]") {
  std::vector<Inputs::Entry> entries;
  entries.push_back({.source = std::make_unique<Hesitant>(Row{"a", "b"}, 101)});
  entries.push_back({.source = std::make_unique<Hesitant>(Row{"1", "2"}, 102), .linked = true});
  entries.push_back({.source = std::make_unique<Hesitant>(Row{"x", "y"}, 103)});
  Inputs inputs{std::move(entries)};
  Row row;
  std::string all;
  std::optional<int> waited_for;
  for (auto pull = Pull::Later; (pull = inputs.next(row)) != Pull::End;) {
    if (pull == Pull::Item) {
      all += row[0] + row[1] + row[2] + ' ';
    } else {
      waited_for = inputs.wait_fd();
      CHECK((waited_for == 101 || waited_for == 102 || waited_for == 103));
    }
  }
  CHECK(waited_for);
  CHECK(all == "a1x a1y b2x b2y ");
}

TEST_CASE("the end of a linked source is not kept waiting by the others", "[inputs]") {
  auto pipe = sys::make_pipe();
  std::vector<Inputs::Entry> entries;
  entries.push_back({.source = from_file(std::move(pipe.read), '\n', "pipe")});
  entries.push_back({.source = from_values({"1"}), .linked = true});
  Inputs inputs{std::move(entries)};
  Row row;
  CHECK(inputs.next(row) == Pull::Later);
  REQUIRE(::write(pipe.write.get(), "a\n", 2) == 2);
  REQUIRE(inputs.next(row) == Pull::Item);
  CHECK(row == Row{"a", "1"});
  CHECK(inputs.next(row) == Pull::End);
}

TEST_CASE("a product has as many rows as its parts multiply to", "[inputs]") {
  std::mt19937 random{8};
  for (int round = 0; round < 300; ++round) {
    std::vector<Values> sources(1 + random() % 4);
    std::vector<std::size_t> factors;
    for (auto& source : sources) {
      source = {Row(random() % 4, "x"), random() % 3 == 0};
      const auto size = source.values.size();
      if (factors.empty() || !source.linked) {
        factors.push_back(size);
      } else {
        factors.back() = std::min(factors.back(), size);
      }
    }
    std::size_t expected = 1;
    for (const auto factor : factors) expected *= factor;
    CHECK(rows(inputs_of(sources)).size() == expected);
  }
}
