#include "cmd/stage.h"

#include <poll.h>
#include <unistd.h>

#include <chrono>

#include "cmd/lesson.h"
#include "cmd/shared.h"
#include "process/fork.h"
#include "process/process.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::cmd {
namespace {

/// A player whom nothing holds up is gone in a moment; one that nobody lets write never is.
constexpr auto kMayTake = std::chrono::seconds{1};

}  // namespace

void Cue::give() {
  const char go = 1;
  sys::retry("give a cue", [&] { return ::write(pipe_.write.get(), &go, 1); });
}

Cue::Heard Cue::await(const sys::Deadline& deadline) const {
  pollfd given{.fd = pipe_.read.get(), .events = POLLIN, .revents = 0};
  if (!sys::poll_until({&given, 1}, deadline)) return Heard::TimeUp;
  char go = 0;
  const auto size = sys::retry("await a cue", [&] { return ::read(given.fd, &go, 1); });
  return size == 1 ? Heard::Given : Heard::Nobody;
}

Stage::Stage(bool explains, Chronicle& chronicle, EndingSignals& signals)
    : explains_{explains}, chronicle_{chronicle}, signals_{signals} {}

Stage::~Stage() {
  cues_.clear();  // seen by all who wait for one
  try {
    if (player_.running()) player_.wait_until(sys::Clock::now() + kMayTake);
    player_ = Child{};
  } catch (const std::exception&) {
    // It was ours to reap and to kill; no more can be done.
  }
}

Cue& Stage::cue() { return cues_.emplace_back(); }

pid_t Stage::start(const std::function<void()>& part) {
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    run_and_leave([&] {
      // Whoever holds the giving end of a cue would never learn that the watcher is gone.
      for (Cue& cue : cues_) cue.pipe_.write.reset();
      told_.read.reset();
      signals_.close();
      part();
    });
  }
  player_ = Child{pid};
  chronicle_.forked(pid, ::getpid(), "parent process");
  // Our copies of the cues' other ends stay: a cue for a player that was killed is not SIGPIPE's.
  told_.write.reset();
  return pid;
}

ExitStatus Stage::join() {
  if (player_.running()) wait(player_.pidfd(), POLLIN);
  const ExitStatus status = player_.wait();
  chronicle_.reaped(player_.pid(), status);
  return status;
}

void Stage::tell(pid_t pid) {
  sys::retry("tell the watcher", [&] { return ::write(told_.write.get(), &pid, sizeof pid); });
}

std::optional<pid_t> Stage::hear() {
  wait(told_.read.get(), POLLIN);
  pid_t pid = 0;
  const auto size =
      sys::retry("hear a player", [&] { return ::read(told_.read.get(), &pid, sizeof pid); });
  return size == sizeof pid ? std::optional{pid} : std::nullopt;
}

void Stage::explain(std::initializer_list<std::string_view> sentences) {
  if (explains_) say(explanation(sentences));
}

int play(bool explains, Chronicle& chronicle, const std::function<void(Stage&)>& story) {
  return play_until_told(chronicle, [&](EndingSignals& signals) {
    Stage stage{explains, chronicle, signals};
    story(stage);
    return 0;
  });
}

}  // namespace procrun::cmd
