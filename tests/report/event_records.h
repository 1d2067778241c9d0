#pragma once
// The records of --events, each checked against the schema that their writer has.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "event_check.h"

namespace procrun::test {

using Record = nlohmann::json;

/// The records of `text`, all of them checked; each has to be a whole line.
inline std::vector<Record> event_records(std::string_view text) {
  REQUIRE((text.empty() || text.back() == '\n'));
  REQUIRE(faults_of_events(text) == "");
  std::vector<Record> records;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    records.push_back(Record::parse(text.substr(0, end)));
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
