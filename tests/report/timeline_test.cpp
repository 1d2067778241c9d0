#include "report/timeline.h"

#include <catch2/catch.hpp>

#include "made_up.h"
#include "report/timeline_rows.h"

namespace procrun::test {

using report::History;
using report::Life;
using report::Timeline;
using Labels = std::vector<std::string>;

namespace {

const Life& life_of(const History& history, pid_t pid) {
  for (const Life& life : history.lives) {
    if (life.pid == pid) return life;
  }
  FAIL("no life of " << pid);
  return history.lives.front();
}

/// Each row with its depth before it.
Labels labels_of(const History& history) {
  Labels labels;
  for (const auto& row : report::rows_of(history)) {
    labels.push_back(std::to_string(row.depth) + " " + report::label_of(history, row));
  }
  return labels;
}

}  // namespace

TEST_CASE("a history knows who made whom, and what became of each", "[timeline]") {
  const History history = history_of(stop_story());
  REQUIRE(history.lives.size() == 2);
  const Life& command = history.lives[1];
  CHECK(history.lives[0].name == "procrun");
  CHECK(command.name == "sleep 60");
  CHECK(command.parent == 0);
  CHECK(command.slot == 1);
  CHECK(command.is_born);
  CHECK(command.from == ms(10));
  CHECK(command.exec == ms(110));
  REQUIRE(command.changes.size() == 2);
  CHECK(command.changes[0].at == ms(400));
  CHECK(command.changes[0].state == Life::State::Stopped);
  CHECK(command.changes[1].at == ms(600));
  CHECK(command.changes[1].state == Life::State::Running);
  CHECK(command.reaped == ms(900));
  CHECK_FALSE(command.ended_well());
  CHECK(history.began == ms(0));
  CHECK(history.ended == ms(1000));
  CHECK(report::story_of(history, command) ==
        "made by 100 after 10.0ms, exec after 110ms, stopped after 400ms, continued after 600ms, "
        "killed by signal 9 (KILL) and reaped after 900ms");
}

TEST_CASE("a history knows whom an orphan came to, of the run or not", "[timeline]") {
  const History history = history_of(zombie_story());
  const Life& child = life_of(history, 102);
  REQUIRE(child.adopter != Life::kNobody);
  const Life& adopter = history.lives[static_cast<std::size_t>(child.adopter)];
  CHECK(adopter.pid == 1);
  CHECK(adopter.name == "systemd");
  CHECK(adopter.is_outsider);
  CHECK(child.adopted == ms(700));
  CHECK(child.changes.at(0).state == Life::State::Zombie);
  CHECK(report::story_of(history, child) ==
        "made by 101 after 200ms, a zombie after 400ms, adopted by 1 after 700ms, exited with code "
        "0 and reaped after 800ms");
}

TEST_CASE("a stranger's life begins when it is watched, and tells no more than was seen",
          "[timeline]") {
  const History history = history_of(watch_story());
  CHECK(labels_of(history) ==
        Labels{"0 100 procrun", "0 50", "0 60 exits", "1 61 unknown", "0 62 rots", "0 63 lives"});
  const auto story = [&](pid_t pid) { return report::story_of(history, life_of(history, pid)); };
  CHECK(story(50) == "exited with code 7 and reaped before it could be watched");
  CHECK(story(60) == "watched from 10.0ms on, exited with code 3 and reaped after 300ms");
  CHECK(story(61) == "watched from 10.0ms on, ended after 400ms, how is not known");
  CHECK(story(62) ==
        "watched from 10.0ms on, a zombie after 500ms, killed by signal 9 (KILL) and not reaped by "
        "600ms");
  CHECK(story(63) == "watched from 200ms on, stopped after 700ms, watched until 900ms");
  const Life& unknown = life_of(history, 61);
  CHECK(unknown.ended_unknown());
  CHECK_FALSE(unknown.ended_well());
  CHECK_FALSE(unknown.ended_badly());
}

TEST_CASE("a stranger that is still watched when the run ends has an end that was not seen",
          "[timeline]") {
  const History history = history_of({{.type = Type::RunStart, .at = ms(0), .pid = 100},
                                      {.type = Type::Watched, .at = ms(1), .pid = 60, .text = "x"},
                                      {.type = Type::RunEnd, .at = ms(9)}});
  CHECK(report::story_of(history, life_of(history, 60)) ==
        "watched from 1.00ms on, its end was not seen");
}

TEST_CASE("a number that the kernel gives again names another process", "[timeline]") {
  const History history =
      history_of({{.type = Type::RunStart, .at = ms(0), .pid = 100},
                  {.type = Type::Fork, .at = ms(1), .pid = 101, .ppid = 100, .text = "first"},
                  {.type = Type::Reap, .at = ms(2), .pid = 101, .text = "first"},
                  {.type = Type::Fork, .at = ms(3), .pid = 101, .ppid = 100, .text = "second"},
                  {.type = Type::Fork, .at = ms(4), .pid = 101, .ppid = 100, .text = "third"},
                  {.type = Type::Reap, .at = ms(5), .pid = 101, .text = "third"}});
  REQUIRE(history.lives.size() == 4);
  CHECK(history.lives[1].reaped == ms(2));
  CHECK_FALSE(history.lives[2].reaped);  // its end was not seen
  CHECK(history.lives[3].name == "third");
  CHECK(history.lives[3].reaped == ms(5));
}

TEST_CASE("who is only told of late has a life from then on, and no fork", "[timeline]") {
  const History history =
      history_of({{.type = Type::RunStart, .at = ms(0), .pid = 100},
                  {.type = Type::Orphan, .seq = 1, .at = ms(5), .pid = 150, .ppid = 100},
                  {.type = Type::Leak, .seq = 1, .at = ms(6), .pid = 150, .text = "sleep 9"},
                  {.type = Type::Reap, .seq = 1, .at = ms(9), .pid = 150, .text = "[sleep]"},
                  {.type = Type::Reap, .seq = 1, .at = ms(9), .pid = 151, .text = "[cat]"}});
  const Life& orphan = life_of(history, 150);
  CHECK_FALSE(orphan.is_born);
  CHECK(orphan.from == ms(5));
  CHECK(orphan.name == "sleep 9");
  CHECK(life_of(history, 151).name == "cat");
  CHECK(labels_of(history) == Labels{"0 100 procrun", "1 150 sleep 9", "0 151 cat"});
}

TEST_CASE("beyond its bound a history counts, and keeps nothing", "[timeline]") {
  Timeline timeline;
  timeline.take({.type = Type::RunStart, .pid = 1});
  const auto count = static_cast<pid_t>(Timeline::kMostLives) + 5;
  for (pid_t pid = 2; pid <= count; ++pid) {
    timeline.take({.type = Type::Fork, .pid = pid, .ppid = 1});
    timeline.take({.type = Type::Exec, .pid = pid, .ppid = 1});
    timeline.take({.type = Type::Reap, .pid = pid});
  }
  CHECK(timeline.history().lives.size() == Timeline::kMostLives);
  CHECK(timeline.history().left_out == 5);
  for (std::size_t i = 0; i < Timeline::kMostChanges + 5; ++i) {
    timeline.take({.type = Type::Stopped, .pid = 1});
  }
  CHECK(timeline.history().lives[0].changes.size() == Timeline::kMostChanges);
}

TEST_CASE("parents stand above their children, and an adopter from outside on top", "[timeline]") {
  CHECK(labels_of(history_of(zombie_story())) ==
        Labels{"0 1 systemd", "0 100 procrun", "1 101 parent", "2 102 child"});
}

TEST_CASE("the jobs of a slot share a row below its worker", "[timeline]") {
  CHECK(labels_of(history_of(pool_story(2, 5))) == Labels{"0 100 procrun", "1 200 worker",
                                                          "2 slot 1: 3 processes", "1 201 worker",
                                                          "2 slot 2: 2 processes"});
  CHECK(labels_of(history_of(pool_story(2, 2))) ==
        Labels{"0 100 procrun", "1 200 worker", "2 10000 job 1", "1 201 worker", "2 10001 job 2"});
}

TEST_CASE("workers that replace one another share a row", "[timeline]") {
  const History history = history_of(
      {{.type = Type::RunStart, .at = ms(0), .pid = 100},
       {.type = Type::Fork, .at = ms(1), .pid = 201, .ppid = 100, .status = 1, .text = "worker"},
       {.type = Type::Reap, .at = ms(2), .pid = 201, .status = kKilled, .text = "worker"},
       {.type = Type::Fork, .at = ms(3), .pid = 202, .ppid = 100, .status = 1, .text = "worker"}});
  CHECK(labels_of(history) == Labels{"0 100 procrun", "1 worker 1: 2 processes"});
}

TEST_CASE("many siblings without a place share rows where their lives do not overlap",
          "[timeline]") {
  std::vector<Event> events{{.type = Type::RunStart, .at = ms(0), .pid = 1}};
  const bool overlap = GENERATE(false, true);
  for (int i = 0; i < 20; ++i) {
    events.push_back({.type = Type::Fork, .at = ms(10 * i), .pid = 100 + i, .ppid = 1});
    events.push_back({.type = Type::Reap, .at = ms(10 * i + (overlap ? 500 : 5)), .pid = 100 + i});
  }
  const auto rows = report::rows_of(history_of(events));
  CHECK(rows.size() == (overlap ? 21 : 2));
}

TEST_CASE("rows hang together: each below its parent, the last one known as such", "[timeline]") {
  const History history = history_of(pool_story(3, 7));
  const auto rows = report::rows_of(history);
  REQUIRE(rows.size() == 7);
  for (std::size_t row = 1; row < rows.size(); ++row) {
    REQUIRE(rows[row].parent);
    CHECK(*rows[row].parent < row);
    CHECK(rows[*rows[row].parent].depth + 1 == rows[row].depth);
  }
  CHECK(report::branch_of(rows, 0, false).empty());
  CHECK(report::branch_of(rows, 1, false) == "├ ");
  CHECK(report::branch_of(rows, 2, false) == "│ └ ");
  CHECK(report::branch_of(rows, 5, true) == "`-");
  CHECK(report::branch_of(rows, 6, true) == "  `-");
}

}  // namespace procrun::test
