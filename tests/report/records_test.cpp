#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <regex>

#include "report/job_log.h"
#include "report/journal.h"
#include "support.h"

namespace sys = procrun::sys;
using namespace std::chrono_literals;
using procrun::event::Event;
using procrun::event::JobRecord;
using procrun::event::Type;
using procrun::report::JobLog;
using procrun::report::JobLogEntry;
using procrun::report::Journal;
using procrun::report::JournalEntry;
using procrun::report::read_job_log;
using procrun::report::read_journal;
using procrun::report::RecordFile;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using End = JobRecord::End;

namespace {

std::string heading() {
  return "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand\n";
}

/// What a sink writes to a file.
template <class Write>
std::string written(Write write) {
  const TempDir dir;
  const std::string path = dir / "file";
  write(sys::open(path, O_WRONLY | O_CREAT | O_APPEND));
  return procrun::test::read_file(path);
}

std::vector<std::pair<std::uint64_t, std::string>> commands_in(const std::string& log) {
  std::vector<std::pair<std::uint64_t, std::string>> commands;
  read_job_log(log, [&](const JobLogEntry& entry) {
    commands.emplace_back(entry.seq, entry.command + (entry.ok ? " ok" : " failed"));
  });
  return commands;
}

std::vector<std::string> states_in(const std::string& journal) {
  std::vector<std::string> states;
  read_journal(journal, [&](const JournalEntry& entry) {
    states.push_back(entry.key + std::to_string(entry.occurrence) + " " +
                     std::to_string(static_cast<int>(entry.state)));
  });
  return states;
}

const std::string kHead = "{\"procrun_journal\":1,\"run\":\"r\",\"time\":\"t\"}\n";

}  // namespace

TEST_CASE("T45, T46: a job log is that of GNU parallel, a line for each job that ended",
          "[joblog]") {
  const SameOpenFds guard;
  const auto log = written([](sys::Fd file) {
    JobLog sink{RecordFile{std::move(file), "log"}, true};
    JobRecord record{
        .command = "echo a\necho b", .end = End::Ok, .stdin_bytes = 7, .stdout_bytes = 4};
    sink.take({.type = Type::JobGiven, .seq = 1, .record = &record});
    sink.take({.type = Type::JobEnd, .seq = 1, .duration = 1500ms, .record = &record});
    record = {.command = "sleep 5", .end = End::TimedOut, .signal = 15};
    sink.take({.type = Type::JobEnd, .seq = 12, .duration = 123456ms, .record = &record});
    record = {.command = "kill -9 $$", .end = End::Failed, .signal = 9};
    sink.take({.type = Type::JobEnd, .seq = 3, .record = &record});
    record = {.command = "gone", .end = End::Cancelled, .signal = 15};
    sink.take({.type = Type::JobEnd, .seq = 4, .record = &record});
    sink.take({.type = Type::RunEnd, .text = "summary"});
  });
  const std::string fixed =
      std::regex_replace(log, std::regex{"\\t[0-9]{10,}\\.[0-9]{3}\\t"}, "\tTIME\t");
  CHECK(fixed == heading() + "1\t:\tTIME\t     1.500\t7\t4\t0\t0\techo a" + '\0' + "echo b\n" +
                     "12\t:\tTIME\t   123.456\t0\t0\t-1\t15\tsleep 5\n" +
                     "3\t:\tTIME\t     0.000\t0\t0\t0\t9\tkill -9 $$\n");
  CHECK(commands_in(log) ==
        std::vector<std::pair<std::uint64_t, std::string>>{
            {1, "echo a\necho b ok"}, {12, "sleep 5 failed"}, {3, "kill -9 $$ failed"}});
}

TEST_CASE("a job log whose last line is torn is read up to it", "[joblog]") {
  const std::string line = "1\t:\t1.000\t     0.001\t0\t2\t0\t0\techo\ta\n";
  CHECK(commands_in(heading() + line + "2\t:\t1.0").size() == 1);
  CHECK(commands_in(heading() + line)[0].second == "echo\ta ok");
  CHECK(commands_in("").empty());
  CHECK(commands_in(heading().substr(0, 10)).empty());
}

TEST_CASE("what is no job log is refused", "[joblog]") {
  CHECK_THROWS_WITH(commands_in("hello\n"), Catch::Contains("not a job log"));
  CHECK_THROWS_WITH(commands_in(heading() + "hello\n"), Catch::Contains("not a job log"));
  CHECK_THROWS_WITH(commands_in(heading() + "x\t:\t1\t1\t0\t0\t0\t0\techo\n"),
                    Catch::Contains("no number"));
}

TEST_CASE("a journal reads back what it wrote", "[journal]") {
  const SameOpenFds guard;
  const auto journal = written([](sys::Fd file) {
    Journal sink{RecordFile{std::move(file), "journal"}, "run-1", false};
    JobRecord record{.key = "a", .occurrence = 2, .command = "echo \xff\n"};
    sink.take({.type = Type::JobGiven, .seq = 1, .record = &record});
    record.end = End::Ok;
    sink.take({.type = Type::JobEnd, .seq = 1, .record = &record});
    record = {.key = "b", .occurrence = 1, .end = End::Cancelled};
    sink.take({.type = Type::JobEnd, .seq = 2, .record = &record});
    record.end = End::TimedOut;
    sink.take({.type = Type::JobEnd, .seq = 2, .record = &record});
  });
  CHECK(states_in(journal) == std::vector<std::string>{"a2 0", "a2 1", "b1 3", "b1 2"});
}

TEST_CASE("T47: a line of a journal that was torn by a kill is harmless", "[journal]") {
  const std::string start = "{\"start\":1,\"key\":\"k\",\"n\":1}\n";
  const std::string end = "{\"end\":1,\"key\":\"k\",\"n\":1,\"result\":\"ok\"}\n";
  for (std::size_t size = 0; size < end.size() - 1; ++size) {
    CAPTURE(size);
    CHECK(states_in(kHead + start + end.substr(0, size)) == std::vector<std::string>{"k1 0"});
    // The next run has ended the line and gone on.
    CHECK(states_in(kHead + start + end.substr(0, size) + "\n" + kHead + end) ==
          std::vector<std::string>{"k1 0", "k1 1"});
  }
  CHECK(states_in(kHead.substr(0, 9)).empty());
  CHECK(states_in(kHead.substr(0, 9) + "\n" + kHead + end) == std::vector<std::string>{"k1 1"});
}

TEST_CASE("a file of one line without end is no journal, unless a journal may begin so",
          "[journal]") {
  for (const char* text : {"hello", "{}", "{\"procrun_journey\":1", "\n"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(states_in(text), std::runtime_error);
  }
}

TEST_CASE("what is no journal is refused", "[journal]") {
  CHECK_THROWS_WITH(states_in("hello\n"), Catch::Contains("not a journal"));
  CHECK_THROWS_WITH(states_in("{\"a\":1}\n"), Catch::Contains("not a journal"));
  CHECK(states_in("").empty());
}

TEST_CASE("a line in a journal that is whole but none of ours is named", "[journal]") {
  for (const char* line : {R"({"key":5})", R"({"key":"k","n":"1"})", R"({"key":"k"})",
                           R"({"end":1,"key":"k","n":1,"result":null})"}) {
    CAPTURE(line);
    CHECK_THROWS_WITH(states_in(kHead + line + "\n"),
                      Catch::Contains("its line 2 is no record of procrun's"));
  }
}

TEST_CASE("T31: a record that the disk has no room for is an error that names the file",
          "[journal]") {
  RecordFile file{sys::open("/dev/full", O_WRONLY), "the journal j"};
  CHECK_THROWS_WITH(file.append("x\n"),
                    Catch::Contains("write to the journal j: No space left on device"));
}
