// procrun, or its worker, is killed at any instant: nothing survives.
#include "spawn/torture.h"

namespace procrun::test {
namespace {

enum class Victim { Front, Worker };

struct Kill {
  Victim victim = Victim::Front;
  Torture torture;
  int after_us = 0;
};

void sleep_us(int us) {
  const timespec time{0, us * 1000L};
  ::nanosleep(&time, nullptr);
}

void kill_front(const Kill& kill) {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  CAPTURE(kill.torture.mode, kill.torture.leaves, kill.torture.way, kill.after_us);
  auto running = start_procrun(kill.torture.words(dir / "record"), {.env = {mark.env()}});
  sleep_us(kill.after_us);
  running.send(SIGKILL);
  CHECK(mark.gone(seconds{1}));
  running.finish();
}

/// `stays` must be what the command does, or it could have ended before.
void kill_worker(const Kill& kill) {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  CAPTURE(kill.torture.mode, kill.torture.way, kill.after_us);
  auto running = start_procrun(kill.torture.words(dir / "record"), {.env = {mark.env()}});
  const pid_t worker = worker_of(running.pid());
  sleep_us(kill.after_us);
  ::kill(worker, SIGKILL);
  const Result result = running.finish();
  CHECK(mark.gone());
  CHECK(nothing_to_reap());
  CHECK(result.exited(125));
  const std::string lost = "lost: its worker ";
  CHECK((contains(result.err, lost + number(worker) + " was killed by signal 9") ||
         contains(result.err, lost + "was killed before it began")));
}

/// As many kills at random instants; the command has no time limit.
void kill_often(Victim victim, unsigned seed, unsigned rounds) {
  std::mt19937 random{seed};
  const std::size_t modes = victim == Victim::Worker ? kTortures.size() - 1 : kTortures.size();
  for (unsigned round = 0; round < rounds; ++round) {
    CAPTURE(seed, round);
    Kill kill{
        .victim = victim,
        .torture = {.mode = kTortures[(seed + round) % modes],
                    .leaves = victim == Victim::Front && random() % 2 == 0,
                    .way = kWays[random() % kWays.size()],
                    .timeout_ms = 0},
        .after_us = static_cast<int>(random() % 2 == 0 ? random() % 5'000 : random() % 150'000)};
    victim == Victim::Front ? kill_front(kill) : kill_worker(kill);
  }
}

}  // namespace

TEST_CASE("kill -9 of procrun at any instant leaves nothing a second later", "[spawn]") {
  kill_often(Victim::Front, 1, 5);
}

TEST_CASE("kill -9 of a worker at any instant: its command is lost, nothing is left", "[spawn]") {
  kill_often(Victim::Worker, 1, 5);
}

TEST_CASE("kill -9 of procrun while it tries again leaves nothing", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  auto running = start_procrun(
      spawn({"-q", "-r", "5", "--retry-delay", "30s"}, doing({"out:ready", "exit:1"})),
      {.env = {mark.env()}});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGKILL);
  CHECK(mark.gone(seconds{1}));
  running.finish();
}

TEST_CASE("kill -9 of a procrun that the terminal has stopped leaves nothing", "[spawn]") {
  const NoDescendantLeft guard;
  const Mark mark;
  const std::string deaf = std::to_string(SIGTERM);
  const Words steps =
      GENERATE_COPY(Words{"out:ready", "pause"}, Words{"ignore:" + deaf, "out:ready", "pause"});
  CAPTURE(steps);
  auto running = start_procrun(spawn({"-q"}, doing(steps)), {.env = {mark.env()}});
  running.read_until(Stream::Out, "ready\n");
  running.send(SIGTSTP);
  REQUIRE(comes_to(running.pid(), 'T'));
  running.send(SIGKILL);
  CHECK(mark.gone(milliseconds{1500}));
  running.finish();
}

TEST_CASE("kill -9 of a procrun that waits for a lock leaves nothing", "[spawn]") {
  const NoDescendantLeft guard;
  const TempDir dir;
  const Mark mark;
  auto holder = start_procrun(spawn({"-q", "--lock", dir / "lock"}, doing({"out:ready", "pause"})));
  holder.read_until(Stream::Out, "ready\n");
  const int signal = GENERATE(SIGKILL, SIGTERM);
  CAPTURE(signal);
  auto waiter =
      start_procrun(spawn({"-q", "--lock", dir / "lock"}, {"true"}), {.env = {mark.env()}});
  REQUIRE(eventually([&] { return mark.bearers().size() >= 2; }, seconds{2}));  // one waits for it
  waiter.send(signal);
  CHECK(mark.gone(seconds{1}));
  waiter.finish();
  holder.send(SIGTERM);
  holder.finish();
}

TEST_CASE("T52: a lost worker's tree that cannot be signalled does not hold procrun", "[spawn]") {
  const NoDescendantLeft guard;
  const PlainUser user;
  if (!user.can_become_root()) return;
  const Mark mark;
  auto running = user.start(spawn({"-q"}, user.doing_as_root({"root", "out:ready", "pause"})),
                            {.env = {mark.env()}, .until_exit = true});
  running.read_until(Stream::Out, "ready\n");
  ::kill(worker_of(running.pid()), SIGKILL);
  CHECK(eventually(
      [&] {
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(running.pid()), &ended, WEXITED | WNOHANG | WNOWAIT);
        return ended.si_pid != 0;
      },
      milliseconds{6500}));
  for (const pid_t pid : mark.bearers()) {
    if (pid != running.pid()) ::kill(pid, SIGKILL);
  }
  CHECK(running.finish().exited(125));
  CHECK(mark.gone(seconds{2}));
}

TEST_CASE("spawn: rounds of kill -9 of procrun", "[spawn][.trust]") {
  kill_often(Victim::Front, from_env("PROCRUN_TRUST_SEED", std::random_device{}()),
             from_env("PROCRUN_TRUST_ROUNDS", 200) / 4);
}

TEST_CASE("spawn: rounds of kill -9 of its worker", "[spawn][.trust]") {
  kill_often(Victim::Worker, from_env("PROCRUN_TRUST_SEED", std::random_device{}()),
             from_env("PROCRUN_TRUST_ROUNDS", 200) / 4);
}

}  // namespace procrun::test
