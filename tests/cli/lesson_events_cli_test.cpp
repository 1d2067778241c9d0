// --events of the lessons: the facts that are told as text, for programs. Every record is checked
// against the schema where it is read.
#include "life.h"
#include "report/event_records.h"

namespace procrun::test {
namespace {

using Types = std::vector<std::string>;

std::vector<Record> told_by(Words words, const std::string& file) {
  words.insert(words.end(), {"--events", file});
  const Result result = run_procrun(words);
  CAPTURE(result.out, result.err);
  CHECK(result.exited(0));
  auto records = event_records(read_file(file));
  CHECK(records.front().at("type") == "run_start");
  CHECK(records.back().at("type") == "run_end");
  return records;
}

/// The types of those that speak of one process.
Types of_process(const std::vector<Record>& records, pid_t pid) {
  Types types;
  for (const auto& record : records) {
    if (record.contains("pid") && record.at("pid") == pid) types.push_back(record.at("type"));
  }
  return types;
}

pid_t forked(const std::vector<Record>& records, std::size_t place) {
  std::vector<pid_t> pids;
  for (const auto& record : records) {
    if (record.at("type") == "fork") pids.push_back(record.at("pid"));
  }
  REQUIRE(pids.size() > place);
  return pids[place];
}

const Record& the(const std::vector<Record>& records, const std::string& type, pid_t pid) {
  const auto found = std::find_if(records.begin(), records.end(), [&](const auto& record) {
    return record.at("type") == type && record.at("pid") == pid;
  });
  REQUIRE(found != records.end());
  return *found;
}

}  // namespace

TEST_CASE("the zombie and its adoption are events, as the watcher has seen them", "[cli][life]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Played played{{"fork", "--zombie=1ms", "--events", dir / "e"}};
  played.read_until(" is adopted by " + named(::getpid()) + "\n");
  const pid_t child = pid_in(played.lines, R"(Parent process ret=(\d+))");
  reap(child);
  CHECK(played.finish().exited(0));
  const auto records = event_records(read_file(dir / "e"));
  const pid_t parent = forked(records, 0);
  CAPTURE(types_of(records));
  CHECK(types_of(records).front() == "run_start");
  CHECK(types_of(records).back() == "run_end");
  CHECK(of_process(records, parent) == Types{"fork", "reap"});
  Types expected{"fork", "zombie", "orphan", "reap"};
  // How a stranger ended the kernel tells from Linux 6.15 on.
  if (of_process(records, child).size() == 3) expected.pop_back();
  CHECK(of_process(records, child) == expected);
  CHECK(the(records, "fork", child).at("ppid") == parent);
  CHECK(the(records, "zombie", child).at("ppid") == parent);
  CHECK(the(records, "zombie", child).at("command") == "child process");
  CHECK(the(records, "orphan", child).at("ppid") == ::getpid());
  CHECK(the(records, "orphan", child).at("adopter") == name_of(::getpid()));
}

TEST_CASE("what the lessons' parents see of their children are events", "[cli]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  SECTION("fork: nobody waits") {
    const auto records = told_by({"fork"}, dir / "e");
    CHECK(of_process(records, forked(records, 0)) == Types{"fork"});
  }
  SECTION("wait") {
    const auto records = told_by({"wait", "--exit-code", "3", "--count", "2"}, dir / "e");
    for (const std::size_t place : {0, 1}) {
      const pid_t child = forked(records, place);
      // On a busy machine it may have to wait for its turn, a zombie.
      Types types = of_process(records, child);
      std::erase(types, "zombie");
      CHECK(types == Types{"fork", "reap"});
      CHECK(the(records, "reap", child).at("code") == 3);
    }
  }
  SECTION("waitpid") {
    const auto records =
        told_by({"waitpid", "--untraced", "--continued", "--speed", "50"}, dir / "e");
    CHECK(the(records, "reap", forked(records, 2)).at("signal") == SIGKILL);
    CHECK(of_process(records, forked(records, 3)) == Types{"fork", "stop", "continue", "reap"});
  }
  SECTION("spawn by fork") {
    const auto records = told_by({"spawn"}, dir / "e");
    CHECK(of_process(records, forked(records, 0)) == Types{"fork", "reap"});
  }
  SECTION("spawn by spawn") {
    const auto records = told_by({"spawn", "--start-method", "spawn"}, dir / "e");
    CHECK(of_process(records, forked(records, 0)) == Types{"fork", "exec", "reap"});
  }
}

TEST_CASE("a child that its parent does not wait for yet is a zombie, and so it is told and drawn",
          "[cli][life]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Played played{{"waitpid", "--speed", "0.5", "--timeline", "--events", dir / "e"}};
  for (int child = 0; child < 3; ++child) played.read_line_with(" sleeps ");
  const pid_t asked_for = pid_in(played.lines, R"(child process (\d+) sleeps 1\.2s.*)");
  const pid_t other = pid_in(played.lines, R"(child process (\d+) sleeps 0\.6s.*)");
  ::kill(asked_for, SIGSTOP);  // it does not end before we have seen the other one
  REQUIRE(eventually([&] { return status_of(other, "State") == "Z (zombie)"; }));
  check_zombie(other, played.pid);
  REQUIRE(eventually([&] {
    const auto records = event_records(read_file(dir / "e"));
    return of_process(records, other) == Types{"fork", "zombie"};
  }));
  ::kill(asked_for, SIGCONT);
  CHECK(played.finish().exited(0));
  const auto records = event_records(read_file(dir / "e"));
  CHECK(of_process(records, other) == Types{"fork", "zombie", "reap"});
  CHECK(of_process(records, asked_for) == Types{"fork", "reap"});
  CHECK(the(records, "zombie", other).at("ppid") == played.pid);
  matched(played.lines, "└ " + number(other) + " child process .*━░.*✗ KILL");
}

TEST_CASE("the picture of a lesson stands below its lines, with who adopted the zombie",
          "[cli][life]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  Played played{{"fork", "--zombie=1ms", "--timeline", "--ascii", "--timeline=" + (dir / "p.svg")}};
  played.read_until(" is adopted by " + named(::getpid()) + "\n");
  const std::string child = group_of(played.lines, R"(Parent process ret=(\d+))");
  reap(std::stoi(child));
  CHECK(played.finish().exited(0));
  const Lines& lines = played.lines;
  CAPTURE(lines);
  const auto begin = std::find_if(lines.begin(), lines.end(), [](const auto& line) {
    return line.starts_with("procrun fork: 4 processes, ");
  });
  REQUIRE(begin != lines.end());
  const auto row_of = [&](const std::string& who) {
    return std::any_of(begin, lines.end(),
                       [&](const auto& line) { return line.find(who) != std::string::npos; });
  };
  CHECK(row_of(child + " child process"));
  CHECK(row_of("parent process"));
  CHECK(row_of(number(::getpid()) + " " + name_of(::getpid())));
  const std::string svg = read_file(dir / "p.svg");
  CHECK(svg.starts_with("<svg"));
  CHECK(svg.find(child) != std::string::npos);
}

TEST_CASE("a lesson that is told to end still draws what it has seen", "[cli][life]") {
  const NoDescendantLeft guard;
  Played played{{"fork", "--zombie=600", "--timeline"}};
  played.read_until("Z (zombie)");
  played.running.send(SIGINT);
  CHECK(played.finish().signaled(SIGINT));
  CHECK(std::any_of(played.lines.begin(), played.lines.end(), [](const auto& line) {
    return line.starts_with("procrun fork: 3 processes, ");
  }));
}

}  // namespace procrun::test
