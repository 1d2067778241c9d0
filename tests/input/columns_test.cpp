#include "input/columns.h"

#include <catch2/catch.hpp>

#include "input/split.h"

using procrun::input::Columns;
using procrun::input::from_values;
using procrun::input::Header;
using procrun::input::Inputs;
using procrun::input::Pull;
using procrun::input::Row;
using procrun::input::take_header;

namespace {

void at_comma(const std::string& item, Row& columns) {
  for (auto& part : procrun::input::split(item, ',')) columns.push_back(part);
}

std::vector<Inputs::Entry> entries_of(const std::vector<Row>& sources) {
  std::vector<Inputs::Entry> entries;
  for (const auto& source : sources) entries.push_back({.source = from_values(source)});
  return entries;
}

std::vector<Row> rows(std::vector<Inputs::Entry> entries, Header header = {}) {
  Columns columns{std::make_unique<Inputs>(std::move(entries)), at_comma, std::move(header)};
  std::vector<Row> all;
  Row row{"old"};
  while (columns.next(row) == Pull::Item) all.push_back(row);
  return all;
}

}  // namespace

TEST_CASE("the columns of all items of a row stand one behind the other", "[columns]") {
  CHECK(rows(entries_of({{"a,b", "c"}})) == std::vector<Row>{{"a", "b"}, {"c"}});
  CHECK(rows(entries_of({{"a,b"}, {"1,2", "3"}})) ==
        std::vector<Row>{{"a", "b", "1", "2"}, {"a", "b", "3"}});
}

TEST_CASE("the first item of each source names its columns", "[columns]") {
  const auto entries = entries_of({{"x,y", "a,b"}, {"z", "1"}, {}});
  const auto header = take_header(entries, at_comma);
  CHECK(header.names == Row{"x", "y", "z"});
  CHECK(header.widths == std::vector<std::size_t>{2, 1, 0});
}

TEST_CASE("names fit the columns of a row that lacks some", "[columns]") {
  auto entries = entries_of({{"x,y", "a", "a,b,c"}, {"z", "1"}});
  auto header = take_header(entries, at_comma);
  CHECK(rows(std::move(entries), std::move(header)) ==
        std::vector<Row>{{"a", "", "1"}, {"a", "b", "c", "1"}});
}
