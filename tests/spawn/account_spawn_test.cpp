// The lock, and what is told of time and use.
#include <sys/file.h>

#include "spawn/spawn.h"

namespace procrun::test {
namespace {

/// Whether somebody holds the lock.
bool is_locked(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  REQUIRE(fd != -1);
  const bool locked = ::flock(fd, LOCK_EX | LOCK_NB) == -1;
  ::close(fd);
  return locked;
}

std::string json_text(const std::string& text, const std::string& key) {
  std::smatch match;
  const std::regex field{"\"" + key + "\":(\"[^\"]*\"|[a-z]+|-?[0-9.e+-]+)"};
  CAPTURE(text, key);
  REQUIRE(std::regex_search(text, match, field));
  return match[1];
}

}  // namespace

TEST_CASE("spawn --lock lets the second wait until the first has ended", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string log = dir / "log";
  const Words options{"-q", "--lock", dir / "lock"};
  auto first = start_procrun(spawn(options, doing({"append:" + log + ":first begins", "out:ready",
                                                   "ms:300", "append:" + log + ":first ends"})));
  first.read_until(Stream::Out, "ready\n");
  auto second = start_procrun(spawn(options, doing({"append:" + log + ":second begins"})));
  CHECK(second.finish().exited(0));
  CHECK(first.finish().exited(0));
  CHECK(read_file(log) == "first begins\nfirst ends\nsecond begins\n");
  CHECK_FALSE(is_locked(dir / "lock"));
}

TEST_CASE("spawn --lock-wait gives up in time, with one line and 125", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string lock = dir / "lock";
  auto holder = start_procrun(spawn({"-q", "--lock", lock}, doing({"out:ready", "pause"})));
  holder.read_until(Stream::Out, "ready\n");
  const std::string wait = GENERATE("0", "0.2", "200ms");
  CAPTURE(wait);
  const auto begin = Clock::now();
  const Result result =
      run_procrun(spawn({"--lock", lock, "--lock-wait", wait}, doing({"out:ran"})));
  const auto took = Clock::now() - begin;
  CHECK(refused(result, "lock " + lock + ": somebody else holds it"));
  CHECK(took >= milliseconds{wait == "0" ? 0 : 200});
  CHECK(took < milliseconds{wait == "0" ? 1000 : 1500});
  holder.send(SIGTERM);
  holder.finish();
  CHECK(
      run_procrun(spawn({"-q", "--lock", lock, "--lock-wait", wait}, doing({"exit:4"}))).exited(4));
}

TEST_CASE("spawn --lock is held until the whole tree is gone", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string lock = dir / "lock";
  const Mark mark;
  auto running =
      start_procrun(spawn({"-q", "--lock", lock, "-k", "400ms"},
                          doing({"orphan{", "ignore:15", "out:ready", "pause", "}", "pause"})),
                    {.env = {mark.env()}});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTERM);
  const auto tree_lives = [&] {
    for (const pid_t pid : mark.bearers()) {
      if (status_of(pid, "Name") == "spawn_do") return true;
    }
    return false;
  };
  while (!is_locked(lock) || tree_lives()) {
    const bool locked = is_locked(lock);
    if (!locked) CHECK_FALSE(tree_lives());
    if (!locked) break;
  }
  running.finish();
  CHECK(mark.gone());
  CHECK_FALSE(is_locked(lock));
}

TEST_CASE("spawn --lock is held by the worker that still ends the tree of a killed procrun",
          "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string lock = dir / "lock";
  auto running =
      start_procrun(spawn({"-q", "--lock", lock}, doing({"ignore:15", "out:ready", "pause"})));
  running.read_until(Stream::Out, "ready\n");
  const pid_t worker = worker_of(running.pid());
  running.send(SIGKILL);
  int status = 0;
  // It is deaf to TERM, and has its time before KILL.
  CHECK(is_locked(lock));
  CHECK(eventually([&] { return !is_locked(lock); }, seconds{2}));
  CHECK_FALSE(is_running(worker));
  running.finish();
  ::waitpid(-1, &status, WNOHANG);
}

TEST_CASE("spawn --lock is not the command's to keep", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  const std::string lock = dir / "lock";
  // One that lives on by our leave still belongs to the tree.
  run_procrun(spawn({"-q", "--lock", lock, "--leak=ignore"}, doing({"orphan{", "ms:500", "}"})),
              {.env = {mark.env()}, .until_exit = true});
  CHECK(mark.gone(seconds{3}));
  CHECK(eventually([&] { return !is_locked(lock); }));
}

TEST_CASE("spawn --time tells real, user and sys as time -p does", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(spawn({"-q", "--time"}, doing({"burn:120", "ms:50"})));
  CHECK(matches(result.err, "real \\d+\\.\\d\\d\nuser \\d+\\.\\d\\d\nsys \\d+\\.\\d\\d\n"));
  const auto number_behind = [&](const std::string& key) {
    return std::stod(result.err.substr(result.err.find(key) + key.size()));
  };
  CHECK(number_behind("real ") >= 0.16);
  CHECK(number_behind("user ") + number_behind("sys ") >= 0.11);
  CHECK(run_procrun(spawn({"-q", "--time"}, {"false"})).exited(1));
}

TEST_CASE("spawn --json tells all that is known of the end, in one line", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result = run_procrun(spawn({"-q", "--json"}, doing({"burn:60", "exit:3"})));
  CHECK(result.exited(3));
  CHECK(std::count(result.err.begin(), result.err.end(), '\n') == 1);
  CHECK(json_text(result.err, "outcome") == "\"ended\"");
  CHECK(json_text(result.err, "success") == "false");
  CHECK(json_text(result.err, "code") == "3");
  CHECK(json_text(result.err, "signal") == "null");
  CHECK(json_text(result.err, "core") == "false");
  CHECK(json_text(result.err, "kill_needed") == "false");
  CHECK(json_number(result.err, "attempts") == 1);
  CHECK(json_number(result.err, "pid") > 1);
  CHECK(json_number(result.err, "wall") >= 0.06);
  CHECK(json_number(result.err, "user") + json_number(result.err, "sys") >= 0.055);
  CHECK(json_number(result.err, "max_rss_kib") > 0);
  CHECK(json_number(result.err, "minor_faults") > 0);
  for (const char* key : {"major_faults", "voluntary_switches", "involuntary_switches"}) {
    CHECK(json_number(result.err, key) >= 0);
  }
}

TEST_CASE("spawn --json tells how else it can end", "[spawn]") {
  const NoDescendantLeft guard;
  const auto json = [](Words options, const Words& command) {
    options.insert(options.begin(), {"-q", "--json"});
    const std::string err = run_procrun(spawn(options, command)).err;
    return err.substr(err.find('{'));
  };
  const std::string killed = json({}, doing({"kill:15"}));
  CHECK(json_text(killed, "signal") == "15");
  CHECK(json_text(killed, "code") == "null");
  const std::string late = json({"-t", "200ms", "-k", "50ms"}, doing({"ignore:15", "pause"}));
  CHECK(json_text(late, "outcome") == "\"timed_out\"");
  CHECK(json_text(late, "kill_needed") == "true");
  CHECK(json_text(late, "signal") == "9");
  const std::string missing = json({}, {"/no/such/program"});
  CHECK(json_text(missing, "outcome") == "\"could_not_start\"");
  CHECK(json_text(missing, "code") == "null");
  const std::string fine = json({"--ok-exit", "3"}, doing({"exit:3"}));
  CHECK(json_text(fine, "success") == "true");
}

TEST_CASE("spawn --json adds up all attempts", "[spawn]") {
  const NoDescendantLeft guard;
  const Result result =
      run_procrun(spawn({"-q", "--json", "-r", "2"}, doing({"burn:60", "exit:3"})));
  CHECK(json_number(result.err, "attempts") == 3);
  CHECK(json_number(result.err, "user") + json_number(result.err, "sys") >= 0.17);
}

TEST_CASE("spawn counts the time of a grandchild that it adopted", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const std::string burnt = dir / "burnt";
  const Result result = run_procrun(spawn(
      {"-q", "--json"},
      doing({"orphan{", "burn:120", "append:" + burnt + ":all", "}", "until:" + burnt, "exit:3"})));
  CHECK(result.exited(3));
  CHECK(json_number(result.err, "user") + json_number(result.err, "sys") >= 0.1);
}

TEST_CASE("spawn counts the time of a grandchild that it had to end", "[spawn]") {
  const NoDescendantLeft guard;
  auto running = start_procrun(
      spawn({"-q", "--json"}, doing({"orphan{", "burn:120", "out:burnt", "pause", "}", "pause"})));
  running.read_until(Stream::Out, "burnt\n");
  REQUIRE(::kill(running.pid(), SIGTERM) == 0);
  const Result result = running.finish();
  CHECK(result.signaled(SIGTERM));
  CHECK(json_number(result.err, "user") + json_number(result.err, "sys") >= 0.1);
}

}  // namespace procrun::test
