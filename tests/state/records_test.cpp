// The records of fork: whole or known to be torn, whatever is killed while they are written.
#include "state/records.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "state/record_watch.h"
#include "support.h"
#include "sys/clock.h"

namespace procrun::test {
namespace {

using state::JobState;
using state::Record;
using state::RecordWatch;
using Kind = JobState::Kind;

Record record_of(const std::string& name, sys::ProcessId command = {4711, 12, 13},
                 sys::ProcessId supervisor = {4710, 11, 12}) {
  return {.id = state::new_id(name),
          .name = name,
          .argv = {"sh", "-c", "a\nb\\n", "", "\xff[1,2]"},
          .directory = "/some where",
          .out = "/log",
          .err = "/errors",
          .boot = sys::boot_id(),
          .pid_namespace = sys::pid_namespace(),
          .command = command,
          .supervisor = supervisor,
          .started = sys::rfc3339_now()};
}

void end(Record& record, int raw) {
  record.status = ExitStatus{raw};
  record.ended = "2026-01-01T00:00:01.000Z";
}

pid_t sleeper() {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  for (;;) ::pause();
}

void kill_and_reap(pid_t pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

void check_same(const Record& a, const Record& b) {
  CHECK(to_text(a) == to_text(b));
  CHECK(a.argv == b.argv);
  CHECK(a.command == b.command);
  CHECK(a.supervisor == b.supervisor);
  CHECK(a.status == b.status);
}

}  // namespace

TEST_CASE("a record comes back as it was written, whatever bytes it holds", "[state]") {
  Record record = record_of("web");
  check_same(*state::parse_record(to_text(record)), record);
  CHECK_FALSE(state::parse_record(to_text(record))->status);
  end(record, SIGKILL);
  check_same(*state::parse_record(to_text(record)), record);
}

TEST_CASE("T47: a torn record is told from a whole one, wherever it is cut", "[state]") {
  Record record = record_of("web");
  end(record, 3 << 8);
  const std::string text = to_text(record);
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (state::parse_record(text.substr(0, size))) FAIL("cut at " << size);
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    if (state::parse_record(changed)) FAIL("changed at " << at);
  }
  CHECK_FALSE(state::parse_record(text + text));
  CHECK_FALSE(state::parse_record(std::string(text.size(), '\0')));  // as after a crash
}

TEST_CASE("a torn record is an error where it is asked for, and listed by its path", "[state]") {
  const TempDir dir;
  const state::Records records{dir.path().string()};
  const Record good = record_of("good");
  const Record bad = record_of("bad");
  for (const Record& record : {good, bad}) {
    records.keep(record);
    records.give_name(record);
  }
  write_file(records.path_of(bad), to_text(bad).substr(0, 40));
  CHECK_THROWS_AS(records.named("bad"), state::TornRecord);
  CHECK(records.named("good")->id == good.id);
  const auto all = records.all();
  REQUIRE(all.records.size() == 1);
  CHECK(all.records[0].id == good.id);
  CHECK(all.torn == std::vector<std::string>{records.path_of(bad)});
}

TEST_CASE("a record is whole at every instant, though its writer is killed at any", "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  Record record = record_of("web");
  records.keep(record);
  records.give_name(record);
  for (int i = 0; i < 100; ++i) {
    int ready[2];
    REQUIRE(::pipe(ready) == 0);
    const pid_t writer = ::fork();
    if (writer == 0) {
      for (int n = 0;; ++n) {
        end(record, (n % 256) << 8);
        records.keep(record);
        records.give_name(record);
        if (n == 0 && ::write(ready[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(ready[1]);
    char byte = 0;
    REQUIRE(::read(ready[0], &byte, 1) == 1);
    ::close(ready[0]);
    for (int n = 0; n < i; ++n) REQUIRE(records.named("web"));
    kill_and_reap(writer);
    const auto found = records.named("web");
    REQUIRE(found);
    REQUIRE(found->status);
  }
  records.keep(record);  // what the killed ones left beside it is in nobody's way
  records.give_name(record);
}

TEST_CASE("a job is found by its name and by its pid, the last one first", "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  CHECK_FALSE(records.find("web"));
  CHECK_FALSE(records.find("4711"));
  Record first = record_of("web");
  Record second = record_of("web", {4712, 1, 1});
  second.started = "9" + first.started;
  for (const Record& record : {first, second}) {
    records.keep(record);
    records.give_name(record);
  }
  CHECK(records.find("web")->id == second.id);
  CHECK(records.find("4711")->id == first.id);
  CHECK(records.find("4712")->id == second.id);
  CHECK_FALSE(records.find("99999999999999999999"));
  // The same number again: who runs counts before who came later.
  const pid_t pid = sleeper();
  Record earlier = record_of("", sys::identify(pid));
  earlier.started = "0";
  Record later = record_of("", {pid, 1, 1});
  records.keep(earlier);
  records.keep(later);
  CHECK(records.find(std::to_string(pid))->id == earlier.id);
  kill_and_reap(pid);
  CHECK(records.find(std::to_string(pid))->id == later.id);
}

TEST_CASE("how it stands with a job is known, or said to be unknown", "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  const pid_t command = sleeper();
  const pid_t supervisor = sleeper();
  Record record = record_of("web", sys::identify(command), sys::identify(supervisor));
  records.keep(record);
  CHECK(records.state_of(record).kind == Kind::Running);
  CHECK(records.state_of(record).supervised);
  SECTION("its supervisor was killed: it runs on, and then nobody knows") {
    kill_and_reap(supervisor);
    CHECK(records.state_of(record).kind == Kind::Running);
    CHECK_FALSE(records.state_of(record).supervised);
    kill_and_reap(command);
    CHECK(records.state_of(record).kind == Kind::Unknown);
    CHECK(records.state_of(record).text() == "unknown: its supervisor was killed");
  }
  SECTION("its supervisor wrote the end since the record was read") {
    Record ended = record;
    end(ended, 3 << 8);
    records.keep(ended);
    CHECK(records.state_of(record).kind == Kind::Ended);
    CHECK(records.state_of(record).text() == "exited with code 3");
    CHECK(records.state_of(record).supervised);
    kill_and_reap(supervisor);
    CHECK(records.state_of(record).status == ExitStatus{3 << 8});
    CHECK_FALSE(records.state_of(record).supervised);
  }
  SECTION("it is of an earlier boot, although its numbers are in use again") {
    record.boot = "another";
    records.keep(record);
    CHECK(records.state_of(record).kind == Kind::Unknown);
    CHECK(records.state_of(record).text() == "unknown: the machine was started anew since");
  }
  SECTION("it is of another pid namespace") {
    record.pid_namespace = "pid:[1]";
    records.keep(record);
    CHECK(records.state_of(record).kind == Kind::Unknown);
  }
  SECTION("its numbers are strangers' by now") {
    ++record.command.start_time;
    ++record.command.inode;
    ++record.supervisor.start_time;
    ++record.supervisor.inode;
    records.keep(record);
    CHECK(records.state_of(record).kind == Kind::Unknown);
  }
  kill_and_reap(command);
  kill_and_reap(supervisor);
}

TEST_CASE("who watches a record sleeps until its job has ended", "[state]") {
  const NoChildLeft guard;
  const SameOpenFds fds;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  const pid_t command = sleeper();
  int go[2];
  REQUIRE(::pipe(go) == 0);
  Record record = record_of("web", sys::identify(command));
  const pid_t supervisor = ::fork();
  if (supervisor == 0) {
    record.supervisor = sys::identify(::getpid());
    records.keep(record);
    char byte = 0;
    if (::read(go[0], &byte, 1) != 1) ::_exit(1);
    if (byte == 'k') ::raise(SIGKILL);
    end(record, 7 << 8);
    records.keep(record);
    for (;;) ::pause();  // others of its tree live on
  }
  const auto deadline = sys::Clock::now() + std::chrono::seconds{10};
  while (!records.read(record.id)) REQUIRE(sys::Clock::now() < deadline);
  {
    RecordWatch watch{records, *records.read(record.id)};
    CHECK(watch.look().kind == Kind::Running);
    CHECK_FALSE([&] {
      pollfd news{.fd = watch.fd(), .events = POLLIN, .revents = 0};
      return ::poll(&news, 1, 0) == 1;
    }());
    CHECK(watch.wait_until(sys::Clock::now()).kind == Kind::Running);
    SECTION("the end is written") {
      REQUIRE(::write(go[1], "e", 1) == 1);
      CHECK(watch.wait_until(deadline).kind == Kind::Ended);
      CHECK(watch.look().status == ExitStatus{7 << 8});
      CHECK(watch.record().ended != "");
      CHECK(watch.look().supervised);
    }
    SECTION("the supervisor is killed, then the command ends") {
      REQUIRE(::write(go[1], "k", 1) == 1);
      ::waitpid(supervisor, nullptr, 0);
      CHECK(watch.look().kind == Kind::Running);
      CHECK_FALSE(watch.look().supervised);
      ::kill(command, SIGKILL);
      CHECK(watch.wait_until(deadline).kind == Kind::Unknown);
    }
  }
  ::close(go[0]);
  ::close(go[1]);
  kill_and_reap(command);
  kill_and_reap(supervisor);
}

TEST_CASE("a name is one job's at a time, as long as any process of it holds it", "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  auto mine = records.take_name("web");
  REQUIRE(mine);
  CHECK_FALSE(records.take_name("web"));
  CHECK(records.take_name("db"));
  const pid_t holder = sleeper();  // has a copy
  mine.reset();
  CHECK_FALSE(records.take_name("web"));
  kill_and_reap(holder);
  CHECK(records.take_name("web"));
}

TEST_CASE("a name that could be a path, an option or a pid is refused", "[state]") {
  for (const char* good : {"web", "db-1.test", "a", "4711x", "_", "X.9"}) {
    CHECK_NOTHROW(state::check_name(good));
  }
  for (const char* bad :
       {"", "4711", ".", "..", ".web", "-web", "a/b", "a b", "a\nb", "ä", "a@b"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(state::check_name(bad), std::invalid_argument);
  }
  CHECK_THROWS_AS(state::check_name(std::string(101, 'a')), std::invalid_argument);
}

TEST_CASE("old jobs are forgotten with their logs, but not a name's last one, nor who runs",
          "[state]") {
  const NoChildLeft guard;
  const TempDir dir;
  const state::Records records{dir.path().string()};
  const pid_t pid = sleeper();
  const auto keep = [&](Record record) {
    record.out = dir / (record.id + ".log");
    record.err = dir / "elsewhere";
    write_file(record.out, "");
    records.keep(record);
    if (!record.name.empty()) records.give_name(record);
    return record;
  };
  write_file(dir / "elsewhere", "");
  const Record gone = keep(record_of(""));
  const Record old = keep(record_of("web"));
  const Record last = keep(record_of("web"));
  const Record runs = keep(record_of("", sys::identify(pid)));
  records.forget(std::chrono::seconds{60});
  CHECK(records.all().records.size() == 4);
  records.forget(std::chrono::seconds{-60});
  CHECK(records.all().records.size() == 2);
  CHECK(records.read(last.id));
  CHECK(records.read(runs.id));
  const auto exists = [](const std::string& path) { return std::filesystem::exists(path); };
  CHECK_FALSE(exists(gone.out));
  CHECK_FALSE(exists(old.out));
  CHECK(exists(last.out));
  CHECK(exists(dir / "elsewhere"));
  kill_and_reap(pid);
}

}  // namespace procrun::test
