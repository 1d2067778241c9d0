#pragma once
// The records of --events, each checked against the schema that their writer has.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "report/events.h"

namespace procrun::test {

using Record = nlohmann::json;

inline bool is_of(report::Kind kind, const Record& value) {
  using report::Kind;
  switch (kind) {
    case Kind::Integer:
      return value.is_number_integer();
    case Kind::IntegerOrNull:
      return value.is_number_integer() || value.is_null();
    case Kind::Truth:
      return value.is_boolean();
    case Kind::Text:
      return value.is_string();
    case Kind::Texts:
      return value.is_array() && std::all_of(value.begin(), value.end(),
                                             [](const auto& one) { return one.is_string(); });
  }
  return false;
}

/// It has the members that all have and those of its type, each of its kind, and no other.
inline void check_against_schema(const Record& record) {
  CAPTURE(record.dump());
  REQUIRE(record.is_object());
  CHECK(record.at("v") == report::kEventVersion);
  CHECK_FALSE(record.at("run").get<std::string>().empty());
  CHECK(std::regex_match(record.at("time").get<std::string>(),
                         std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"}));
  CHECK(record.at("ns").is_number_integer());
  const auto schema = report::event_schema();
  const auto type = std::find_if(schema.begin(), schema.end(),
                                 [&](const auto& one) { return record.at("type") == one.name; });
  REQUIRE(type != schema.end());
  std::set<std::string> wanted{"v", "type", "run", "time", "ns"};
  for (const auto& field : type->fields) {
    const std::string name{field.name};
    CAPTURE(name);
    wanted.insert(name);
    REQUIRE(record.contains(name));
    CHECK(is_of(field.kind, record.at(name)));
  }
  std::set<std::string> found;
  for (const auto& [name, value] : record.items()) found.insert(name);
  CHECK(found == wanted);
}

/// The records of `text`, all of them checked; each has to be a whole line.
inline std::vector<Record> event_records(std::string_view text) {
  std::vector<Record> records;
  while (!text.empty()) {
    const auto end = text.find('\n');
    REQUIRE(end != std::string_view::npos);
    records.push_back(Record::parse(text.substr(0, end)));
    check_against_schema(records.back());
    text.remove_prefix(end + 1);
  }
  return records;
}

/// The names of their types, in order.
inline std::vector<std::string> types_of(const std::vector<Record>& records) {
  std::vector<std::string> types;
  for (const auto& record : records) types.push_back(record.at("type"));
  return types;
}

}  // namespace procrun::test
