#include "report/journal.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <stdexcept>

#include "sys/clock.h"

namespace procrun::report {
namespace {

using event::JobRecord;
using event::Type;
using nlohmann::ordered_json;

constexpr const char* kVersion = "procrun_journal";

std::string line(const ordered_json& record) {
  // Bytes that are no UTF-8 are for people only: a job is known by its key.
  return record.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

const char* result_of(JobRecord::End end) {
  switch (end) {
    case JobRecord::End::Ok:
      return "ok";
    case JobRecord::End::TimedOut:
      return "timed out";
    case JobRecord::End::Cancelled:
      return "cancelled";
    case JobRecord::End::None:
    case JobRecord::End::Failed:
    case JobRecord::End::CouldNotStart:
    case JobRecord::End::Lost:
      break;
  }
  return "failed";
}

JournalEntry::State state_of(const std::string& result) {
  if (result == "ok") return JournalEntry::State::Ok;
  return result == "cancelled" ? JournalEntry::State::Cancelled : JournalEntry::State::Failed;
}

/// Whether it is the first line of a journal, or what a kill has left of one.
bool begins_as_head(std::string_view line) {
  const std::string head = std::string{"{\""} + kVersion + "\":";
  return !line.empty() && line.substr(0, head.size()) == head.substr(0, line.size());
}

/// A line that is JSON, so not torn, but not ours, was written by somebody else.
JournalEntry entry_of(const ordered_json& record, std::uint64_t line_number) {
  try {
    JournalEntry entry{.key = record.at("key").get<std::string>(),
                       .occurrence = record.at("n").get<std::uint64_t>()};
    if (record.contains("end")) {
      entry.state = state_of(record.at("result").get<std::string>());
      entry.seconds = record.value("seconds", 0.0);
    }
    return entry;
  } catch (const ordered_json::exception&) {
    throw std::runtime_error(fmt::format(
        "its line {} is no record of procrun's: take it out, or use another journal", line_number));
  }
}

}  // namespace

Journal::Journal(RecordFile file, const std::string& run_id, bool torn) : file_{std::move(file)} {
  file_.append((torn ? "\n" : "") +
               line({{kVersion, 1}, {"run", run_id}, {"time", sys::rfc3339_now()}}));
}

void Journal::take(const event::Event& event) {
  if (event.record == nullptr) return;
  const JobRecord& record = *event.record;
  if (event.type == Type::JobGiven) {
    return file_.append(line({{"start", event.seq},
                              {"key", record.key},
                              {"n", record.occurrence},
                              {"time", sys::rfc3339_now()},
                              {"command", record.command}}));
  }
  file_.append(line({{"end", event.seq},
                     {"key", record.key},
                     {"n", record.occurrence},
                     {"result", result_of(record.end)},
                     {"code", record.code},
                     {"signal", record.signal},
                     {"seconds", std::chrono::duration<double>(event.duration).count()},
                     {"attempts", record.attempts}}));
}

void read_journal(std::string_view text, const std::function<void(const JournalEntry&)>& take) {
  for (std::uint64_t number = 1; !text.empty(); ++number) {
    const auto end = text.find('\n');
    const auto one = text.substr(0, end);
    text.remove_prefix(end != std::string_view::npos ? end + 1 : text.size());
    if (number == 1 && !begins_as_head(one))
      throw std::runtime_error("it is not a journal of procrun");
    const auto record = ordered_json::parse(one, nullptr, false);
    if (!record.is_object() || !record.contains("key")) continue;  // torn, or the head
    take(entry_of(record, number));
  }
}

}  // namespace procrun::report
