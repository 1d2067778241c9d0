#include "event_check.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <regex>

#include "report/events.h"

namespace procrun::test {
namespace {

using Record = nlohmann::json;

bool is_of(report::Kind kind, const Record& value) {
  using report::Kind;
  switch (kind) {
    case Kind::Integer:
      return value.is_number_integer();
    case Kind::IntegerOrNull:
      return value.is_number_integer() || value.is_null();
    case Kind::Truth:
      return value.is_boolean();
    case Kind::TruthOrNull:
      return value.is_boolean() || value.is_null();
    case Kind::Text:
      return value.is_string();
    case Kind::Texts:
      return value.is_array() && std::all_of(value.begin(), value.end(),
                                             [](const auto& one) { return one.is_string(); });
  }
  return false;
}

/// What is wrong with the members that records of all types have.
std::string fault_of_head(const Record& record) {
  static const std::regex stamp{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)"};
  const auto is_text = [&](const char* name) {
    return record.contains(name) && record[name].is_string();
  };
  if (!record.contains("v") || record["v"] != report::kEventVersion) return "another version";
  if (!is_text("run") || record["run"] == "") return "no run";
  if (!is_text("time") || !std::regex_match(record["time"].get<std::string>(), stamp)) {
    return "no time";
  }
  if (!record.contains("ns") || !record["ns"].is_number_integer()) return "no ns";
  return {};
}

/// It has the members that all have and those of its type, each of its kind, and no other.
std::string fault_of(const Record& record) {
  if (!record.is_object()) return "no object";
  if (std::string fault = fault_of_head(record); !fault.empty()) return fault;
  const auto schema = report::event_schema();
  const auto type = std::find_if(schema.begin(), schema.end(), [&](const auto& one) {
    return record.contains("type") && record["type"] == one.name;
  });
  if (type == schema.end()) return "a type that is not in the schema";
  for (const auto& field : type->fields) {
    const std::string name{field.name};
    if (!record.contains(name)) return "no " + name;
    if (!is_of(field.kind, record[name])) return name + " is of another kind";
  }
  constexpr std::size_t kOfAll = 5;  // v, type, run, time, ns
  if (record.size() != kOfAll + type->fields.size()) return "a member that is not in the schema";
  return {};
}

}  // namespace

std::string faults_of_events(std::string_view text) {
  std::string faults;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;) {
    const auto line = text.substr(0, end);
    const auto record = Record::parse(line, nullptr, false);
    const std::string fault = record.is_discarded() ? "no JSON" : fault_of(record);
    if (!fault.empty()) faults += fault + ": " + std::string{line} + "\n";
    text.remove_prefix(end + 1);
  }
  return faults;
}

}  // namespace procrun::test
