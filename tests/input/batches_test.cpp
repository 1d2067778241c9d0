#include "input/batches.h"

#include <catch2/catch.hpp>

#include "input/inputs.h"
#include "input/shell.h"
#include "random_bytes.h"

using procrun::input::Batches;
using procrun::input::from_values;
using procrun::input::Inputs;
using procrun::input::Pull;
using procrun::input::Room;
using procrun::input::Row;
using procrun::input::Rows;
using procrun::input::Template;
using procrun::test::RandomBytes;
using Repeat = Template::Repeat;

namespace {

constexpr auto kAll = static_cast<std::size_t>(-1);

std::unique_ptr<Rows> rows_of(const std::vector<Row>& sources) {
  std::vector<Inputs::Entry> entries;
  for (const auto& source : sources) entries.push_back({.source = from_values(source)});
  return std::make_unique<Inputs>(std::move(entries));
}

std::vector<Row> batches(const std::vector<Row>& sources, Batches::Plan plan) {
  Batches batches{rows_of(sources), std::move(plan)};
  std::vector<Row> all;
  Row row{"old"};
  while (batches.next(row) == Pull::Item) all.push_back(row);
  CHECK(batches.next(row) == Pull::End);
  return all;
}

Row letters(int count) {
  Row values;
  for (int i = 0; i < count; ++i) values.emplace_back(1, static_cast<char>('a' + i));
  return values;
}

/// Room for so many bytes, with a command of one, and one behind each word.
Room room_of(std::size_t most, std::size_t longest_word = kAll) {
  return {Template{{"x"}, {.repeat = Repeat::Words}},
          {.measure = {.per_word = 1}, .most = most, .longest_word = longest_word}};
}

/// Says later before each row and before the end.
class Hesitant final : public Rows {
 public:
  explicit Hesitant(std::unique_ptr<Rows> rows) : rows_{std::move(rows)} {}
  Pull next(Row& row) override {
    row.clear();
    is_ready_ = !is_ready_;
    return is_ready_ ? Pull::Later : rows_->next(row);
  }
  int wait_fd() const override { return 7; }

 private:
  std::unique_ptr<Rows> rows_;
  bool is_ready_ = false;
};

}  // namespace

TEST_CASE("so many rows are one, the last with what is left", "[batches]") {
  CHECK(batches({letters(5)}, {.most = 2}) == std::vector<Row>{{"a", "b"}, {"c", "d"}, {"e"}});
  CHECK(batches({letters(4)}, {.most = 2}) == std::vector<Row>{{"a", "b"}, {"c", "d"}});
  CHECK(batches({letters(2)}, {.most = 1}) == std::vector<Row>{{"a"}, {"b"}});
  CHECK(batches({{}}, {.most = 2}).empty());
  CHECK(batches({{"a", "b"}, {"1", "2"}}, {.most = 3}) ==
        std::vector<Row>{{"a", "1", "a", "2", "b", "1"}, {"b", "2"}});
}

TEST_CASE("none at a time is a job for each row, without its items", "[batches]") {
  CHECK(batches({letters(2)}, {.most = 0}) == std::vector<Row>{{}, {}});
}

TEST_CASE("what is left at the end is spread as GNU parallel does", "[batches]") {
  CHECK(batches({letters(10)}, {.most = kAll, .spread = 3}) ==
        std::vector<Row>{{"a", "b", "c", "d"}, {"e", "f", "g", "h"}, {"i", "j"}});
  CHECK(batches({letters(5)}, {.most = kAll, .spread = 4}) ==
        std::vector<Row>{{"a", "b"}, {"c", "d"}, {"e"}});
  CHECK(batches({letters(2)}, {.most = kAll, .spread = 8}) == std::vector<Row>{{"a"}, {"b"}});
  CHECK(batches({letters(7)}, {.most = 3, .spread = 2}) ==
        std::vector<Row>{{"a", "b", "c"}, {"d", "e", "f"}, {"g"}});
}

TEST_CASE("a row that does not fit any more begins the next job", "[batches]") {
  CHECK(batches({{"a", "b", "cc", "d"}}, {.most = kAll, .room = room_of(6)}) ==
        std::vector<Row>{{"a", "b"}, {"cc"}, {"d"}});
}

TEST_CASE("a row that is too long for any job comes alone", "[batches]") {
  CHECK(batches({{"a", "bbbbbbbbb", "c"}}, {.most = kAll, .room = room_of(6)}) ==
        std::vector<Row>{{"a"}, {"bbbbbbbbb"}, {"c"}});
  CHECK(batches({{"a", "bbb", "c", "d"}}, {.most = kAll, .room = room_of(100, 2)}) ==
        std::vector<Row>{{"a"}, {"bbb"}, {"c", "d"}});
}

TEST_CASE("a row of several tells where each of them ends", "[batches]") {
  using Ends = std::vector<std::size_t>;
  const auto ends = [](Batches batches) {
    std::vector<Ends> all;
    for (Row row; batches.next(row) == Pull::Item;) all.push_back(batches.ends_of_last());
    return all;
  };
  CHECK(ends({rows_of({letters(3)}), {.most = 2}}) == std::vector<Ends>{{1, 2}, {1}});
  CHECK(ends({rows_of({letters(3), letters(1)}), {.most = 2}}) == std::vector<Ends>{{2, 4}, {2}});
  CHECK(ends({rows_of({letters(3)}), {.most = kAll, .spread = 2}}) ==
        std::vector<Ends>{{1, 2}, {1}});
  CHECK(ends({rows_of({letters(2)}), {.most = 0}}) == std::vector<Ends>{{}, {}});
}

TEST_CASE("rows that come late are waited for and none is lost", "[batches]") {
  Batches batches{std::make_unique<Hesitant>(rows_of({letters(5)})),
                  {.most = 2, .room = room_of(100)}};
  std::vector<Row> all;
  Row row;
  for (auto pull = Pull::Later; (pull = batches.next(row)) != Pull::End;) {
    if (pull == Pull::Item) all.push_back(row);
    CHECK(batches.wait_fd() == 7);
  }
  CHECK(all == std::vector<Row>{{"a", "b"}, {"c", "d"}, {"e"}});
}

TEST_CASE("a job's command is never longer than its room, and hardly shorter", "[batches]") {
  RandomBytes random{41};
  const bool is_line = GENERATE(false, true);
  const Row command = GENERATE(Row{"cmd"}, Row{"cmd", "x{}y{.}", "{/}", "z"}, Row{"cmd", "{1}-{}"},
                               Row{"cmd", "{#}", "{%}", "{2}", "{}"}, Row{"a  {}; b {} {-1}"});
  constexpr std::size_t kMost = 2000;
  const Template words{command, {.repeat = is_line ? Repeat::Chunks : Repeat::Words}};
  const std::size_t per_word = is_line ? 1 : 9;
  Row values(3000);
  for (auto& value : values) value = random.next(20);
  Batches batches{rows_of({values}),
                  {.most = kAll, .room = Room{words, {{is_line, per_word}, kMost, kAll}}}};
  Row row;
  std::size_t jobs = 0;
  std::size_t items = 0;
  for (; batches.next(row) == Pull::Item; ++jobs) {
    items += row.size();
    const procrun::input::Values job{.items = row, .seq = 123456, .slot = 99};
    std::size_t size = is_line ? words.shell_line(job).size() : 0;
    if (!is_line) {
      for (const auto& word : words.words(job)) size += word.size() + per_word;
    }
    CHECK(size <= kMost);
    if (items < values.size()) CHECK(size > kMost / 4);
  }
  CHECK(items == values.size());
}
