#pragma once
// A run's events as newline-delimited JSON, for programs. What stands in them is written once: in
// the table that event_schema() returns, which the writer goes by as well.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>

#include "event/event.h"
#include "report/record_file.h"

namespace procrun::report {

/// So many jobs have ended, by how they did.
struct Tally {
  std::uint64_t jobs = 0;
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
  std::uint64_t cancelled = 0;
  std::uint64_t skipped = 0;  // not among the jobs: they were never begun

  void count(event::JobRecord::End end);
};

enum class Kind : std::uint8_t { Integer, IntegerOrNull, Truth, TruthOrNull, Text, Texts };

/// One member of a record.
struct Field {
  using Value = nlohmann::ordered_json (*)(const event::Event&, const Tally&);

  std::string_view name;
  Kind kind;
  std::string_view meaning;
  Value value;
};

/// One type of record. It has the members that all have, and all of these.
struct RecordType {
  event::Type type;  // of the event that it tells
  std::string_view name;
  std::string_view meaning;
  std::span<const Field> fields;
};

/// Each record is one object on a line of its own, with these members first:
///   "v"     the version of the schema, kEventVersion; raised where a member changes its meaning or
///           goes, not where one is added
///   "type"  the name of its type
///   "run"   the id of the run
///   "time"  when it happened: RFC 3339, UTC
///   "ns"    the same in nanoseconds of the monotonic clock
/// Records stand in the order in which procrun heard of them; events of different processes may be
/// some milliseconds late: "ns" has the order in which they happened. Text that is no UTF-8 has
/// U+FFFD in the place of what is wrong.
inline constexpr int kEventVersion = 1;
std::span<const RecordType> event_schema();

/// Writes them, each with one write(2). Once that has failed nothing more is written, since records
/// behind a gap would mislead.
class EventFile final : public event::Sink {
 public:
  EventFile(RecordFile file, std::string run_id)
      : file_{std::move(file)}, run_id_{std::move(run_id)} {}

  /// Blocks as its file does. Throws std::system_error for the first record that could not be
  /// written whole.
  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Details; }

 private:
  std::string line(const RecordType& type, const event::Event& event) const;

  RecordFile file_;
  std::string run_id_;
  Tally tally_;
  bool failed_ = false;
};

}  // namespace procrun::report
