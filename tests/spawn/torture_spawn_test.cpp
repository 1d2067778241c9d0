// Commands that are hard to own: procrun ends in time, nothing is left, nothing is lost.
#include "spawn/torture.h"

namespace procrun::test {
namespace {

/// True if all was as it has to be.
void run_through(const Torture& torture) {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  CAPTURE(torture.mode, torture.leaves, torture.way, torture.timeout_ms);
  const auto begin = Clock::now();
  const Result result =
      run_procrun(torture.words(dir / "record"), {.env = {mark.env(), "TMPDIR=/tmp"}});
  const auto took = Clock::now() - begin;
  CHECK(mark.gone());
  CHECK(nothing_to_reap());
  // What is left behind has 100 ms to go by itself, then TERM, the grace, and KILL; the rest is for
  // a busy machine.
  CHECK(took < milliseconds{torture.timeout_ms + torture.grace_ms} + seconds{8});
  check_nothing_lost(torture, read_file(dir / "record"), result);
  const bool is_hurried = torture.code() == 124 && torture.grace_ms < 100;
  if (is_hurried && result.exited(137)) return;  // it had no time to die of TERM
  if (torture.timeout_ms >= 200 || torture.timeout_ms == 0) {
    CHECK(result.exited(torture.code()));
  } else {  // the command may not have come as far as to be difficult
    CHECK(WIFEXITED(result.status));
    const int code = WEXITSTATUS(result.status);
    CHECK((code == 124 || code == 137 || (torture.ends_by_itself() && code == 5)));
  }
}

void run_all_ways(const std::string& mode) {
  const NoDescendantLeft guard;
  for (const char* way : kWays) {
    run_through({.mode = mode, .way = way});
    run_through({.mode = mode, .leaves = true, .way = way, .timeout_ms = 0});
  }
}

}  // namespace

TEST_CASE("T8: a command that heeds no signal is killed, and what it left too", "[spawn]") {
  run_all_ways("deaf");
}

TEST_CASE("T8: setsid and a double fork do not escape", "[spawn]") { run_all_ways("escape"); }

TEST_CASE("T19: a daemon that holds stdout does not hold procrun", "[spawn]") {
  run_all_ways("daemon");
}

TEST_CASE("a tree that forks without end is ended while it forks", "[spawn]") {
  run_all_ways("bomb");
}

TEST_CASE("a command that stopped itself is ended in time", "[spawn]") { run_all_ways("stop"); }

TEST_CASE("a command that stopped as the terminal does is ended in time", "[spawn]") {
  run_all_ways("ttou");
}

TEST_CASE("a command that closed its stdio is owned all the same", "[spawn]") {
  run_all_ways("mute");
}

TEST_CASE("a descendant that became another user is ended", "[spawn]") { run_all_ways("other"); }

TEST_CASE("a command that ends at once loses nothing that it wrote", "[spawn]") {
  run_all_ways("quick");
}

TEST_CASE("T52: who cannot be signalled is given up and named, and procrun ends", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  if (!user.can_become_root()) return;
  const Mark mark;
  const auto begin = Clock::now();
  Words steps{"sh", "-c", "\"$@\" & wait", "sh"};
  for (const auto& word : user.doing_as_root({"root", "out:ready", "pause"})) {
    steps.push_back(word);
  }
  auto running = user.start(spawn({"-t", "400ms", "-k", "100ms", "--prefix", "> "}, steps),
                            {.env = {mark.env()}, .until_exit = true});
  running.read_until(Stream::Out, "> ready\n");
  const Result result = running.finish();
  CHECK(Clock::now() - begin < seconds{3});
  CHECK(contains(result.err, "was left behind and lives on"));
  CHECK(contains(result.err, "spawn_setuid"));
  CHECK(result.exited(124));
  // procrun could not; we can.
  for (const pid_t pid : mark.bearers()) ::kill(pid, SIGKILL);
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("T52: a command that cannot be signalled itself is given up after a while",
          "[spawn][slow]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  if (!user.can_become_root()) return;
  const Mark mark;
  auto running = user.start(
      spawn({"-t", "400ms", "-k", "100ms"}, user.doing_as_root({"root", "out:ready", "pause"})),
      {.env = {mark.env()}, .until_exit = true});
  running.read_until(Stream::Out, "ready\n");
  const Result result = running.finish();
  CHECK(contains(result.err, "cannot be killed by us"));
  CHECK(result.exited(125));
  for (const pid_t pid : mark.bearers()) ::kill(pid, SIGKILL);
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("spawn: rounds of torture at all kinds of instants", "[spawn][.trust]") {
  const unsigned seed = from_env("PROCRUN_TRUST_SEED", std::random_device{}());
  const unsigned rounds = from_env("PROCRUN_TRUST_ROUNDS", 200);
  std::mt19937 random{seed};
  const auto below = [&](std::size_t end) { return random() % end; };
  for (unsigned round = 0; round < rounds; ++round) {
    CAPTURE(seed, round);
    const bool times_out = below(3) != 0;
    Torture torture{.mode = kTortures[round % kTortures.size()],
                    .leaves = !times_out || below(3) == 0,
                    .way = kWays[below(kWays.size())],
                    .timeout_ms = times_out ? static_cast<int>(below(300)) + 1 : 0,
                    .grace_ms = static_cast<int>(below(150))};
    // A bomb that lays waste for its 100 ms may take KILL from one who still has his grace.
    if (torture.leaves && torture.timeout_ms >= 200) torture.timeout_ms = 5000;
    run_through(torture);
  }
}

}  // namespace procrun::test
