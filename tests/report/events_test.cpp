#include "report/events.h"

#include <fcntl.h>
#include <signal.h>

#include <system_error>

#include "report/event_records.h"
#include "support.h"

namespace sys = procrun::sys;
using namespace std::chrono_literals;
using procrun::event::Event;
using procrun::event::Interest;
using procrun::event::JobRecord;
using procrun::event::Type;
using procrun::report::event_schema;
using procrun::report::EventFile;
using procrun::report::RecordFile;
using procrun::test::event_records;
using procrun::test::Record;
using procrun::test::TempDir;
using procrun::test::types_of;

namespace {

std::vector<Record> written(const std::vector<Event>& events) {
  const TempDir dir;
  EventFile file{RecordFile{sys::open(dir / "file", O_WRONLY | O_CREAT), "the events"}, "id"};
  for (const auto& event : events) file.take(event);
  return event_records(procrun::test::read_file(dir / "file"));
}

}  // namespace

TEST_CASE("each type of the schema is written as the schema says", "[events]") {
  const JobRecord record;
  for (const auto& type : event_schema()) {
    const auto records = written({{.type = type.type, .text = "1", .record = &record}});
    REQUIRE(records.size() == 1);
    CHECK(records[0]["type"] == type.name);
    CHECK_FALSE(type.meaning.empty());
    for (const auto& field : type.fields) CHECK_FALSE(field.meaning.empty());
  }
}

TEST_CASE("an event that the schema does not know is not written", "[events]") {
  CHECK(written({{.type = Type::JobStart, .pid = 7}}).empty());
}

TEST_CASE("a record that is not as the schema says is found out", "[events]") {
  using procrun::test::faults_of_events;
  const Record right = written({{.type = Type::Exit, .status = 3 << 8}}).at(0);
  const auto faults = [](const Record& record) { return faults_of_events(record.dump() + "\n"); };
  REQUIRE(faults(right) == "");
  for (const auto& [name, value] : right.items()) {
    CAPTURE(name);
    Record without = right;
    without.erase(name);
    CHECK(faults(without) != "");
    Record other = right;
    other[name] = Record::array({Record::object()});
    CHECK(faults(other) != "");
  }
  Record more = right;
  more["more"] = 1;
  CHECK(faults(more).starts_with("a member that is not in the schema: "));
  Record unknown = right;
  unknown["type"] = "unknown";
  CHECK(faults(unknown).starts_with("a type that is not in the schema: "));
  CHECK(faults_of_events("{\n") == "no JSON: {\n");
  CHECK(faults(1) == "no object: 1\n");
  // What a kill has torn is no record, and others are looked at all the same.
  CHECK(faults_of_events(right.dump() + "\n{") == "");
  CHECK(faults_of_events("1\n" + right.dump() + "\n2\n") == "no object: 1\nno object: 2\n");
}

TEST_CASE("a record has the moment of its event on both clocks", "[events]") {
  const auto moment = sys::Clock::now() - 1h;
  const auto records = written({{.type = Type::RunStart, .at = moment, .pid = 7}});
  CHECK(records.at(0)["ns"] == moment.time_since_epoch().count());
  const auto hour = [](const std::string& time) { return time.substr(0, 13); };
  CHECK(hour(records.at(0)["time"]) != hour(sys::rfc3339_now()));
  CHECK(records.at(0)["run"] == "id");
}

TEST_CASE("the end of a process is told by its code or its signal", "[events]") {
  const auto records = written({{.type = Type::Exit, .status = 3 << 8},
                                {.type = Type::Exit, .status = SIGTERM},
                                {.type = Type::Exit, .status = SIGSEGV | 0x80}});
  CHECK(records.at(0)["code"] == 3);
  CHECK(records.at(0)["signal"].is_null());
  CHECK(records.at(1)["code"].is_null());
  CHECK(records.at(1)["signal"] == SIGTERM);
  CHECK(records.at(1)["core"] == false);
  CHECK(records.at(2)["signal"] == SIGSEGV);
  CHECK(records.at(2)["core"] == true);
}

TEST_CASE("a stranger's end that nobody tells of is null, never a code of 0", "[events]") {
  using procrun::event::kUnknownEnd;
  const auto records = written({{.type = Type::Ended, .status = 0, .reaped = true},
                                {.type = Type::Ended, .status = kUnknownEnd, .reaped = true},
                                {.type = Type::Ended, .status = SIGSEGV | 0x80}});
  CHECK(records.at(0)["code"] == 0);
  CHECK(records.at(0)["core"] == false);
  CHECK(records.at(0)["reaped"] == true);
  for (const char* name : {"code", "signal", "core"}) CHECK(records.at(1)[name].is_null());
  CHECK(records.at(2)["code"].is_null());
  CHECK(records.at(2)["signal"] == SIGSEGV);
  CHECK(records.at(2)["core"] == true);
  CHECK(records.at(2)["reaped"] == false);
}

TEST_CASE("what is not known of a stranger is null", "[events]") {
  const auto records = written({{.type = Type::Watched, .pid = 7},
                                {.type = Type::Watched, .pid = 7, .ppid = 3, .text = "x"},
                                {.type = Type::Stopped, .pid = 7},
                                {.type = Type::Stopped, .pid = 7, .status = 0x137F}});
  CHECK(records.at(0)["ppid"].is_null());
  CHECK(records.at(1)["ppid"] == 3);
  CHECK(records.at(1)["name"] == "x");
  CHECK(records.at(2)["signal"].is_null());
  CHECK(records.at(3)["signal"] == SIGSTOP);
}

TEST_CASE("the end of a run counts the ends of its jobs", "[events]") {
  using End = JobRecord::End;
  std::vector<JobRecord> ends;
  for (const End end : {End::Ok, End::Ok, End::Failed, End::TimedOut, End::Lost, End::CouldNotStart,
                        End::Cancelled}) {
    ends.push_back({.end = end});
  }
  std::vector<Event> events;
  for (const auto& end : ends) events.push_back({.type = Type::JobEnd, .record = &end});
  events.push_back({.type = Type::Skipped, .seq = 8, .text = "needs 'x', which failed"});
  events.push_back({.type = Type::RunEnd});
  const auto last = written(events).back();
  CHECK(last["jobs"] == 7);
  CHECK(last["ok"] == 2);
  CHECK(last["failed"] == 4);
  CHECK(last["cancelled"] == 1);
  CHECK(last["skipped"] == 1);
}

TEST_CASE("bytes that are no UTF-8 do not spoil a record", "[events]") {
  const JobRecord record{.name = "\xff\n\"", .argv = {"\xc3", ""}};
  const auto records = written({{.type = Type::JobGiven, .record = &record}});
  CHECK(records.at(0)["name"] == "\xef\xbf\xbd\n\"");
  CHECK(records.at(0)["argv"] == Record({"\xef\xbf\xbd", ""}));
}

TEST_CASE("a record that cannot be written is an error, once", "[events]") {
  EventFile file{RecordFile{sys::open("/dev/full", O_WRONLY), "the events"}, "id"};
  CHECK_THROWS_AS(file.take({.type = Type::RunStart}), std::system_error);
  CHECK_NOTHROW(file.take({.type = Type::RunEnd}));
  CHECK(file.interest() == Interest::Details);
}
