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

sigset_t ending_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    if (!sys::is_ignored(signal)) ::sigaddset(&set, signal);  // blocked, it would be queued
  }
  return set;
}

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

Stage::Stage(bool explains, Chronicle& chronicle)
    : explains_{explains}, chronicle_{chronicle}, ending_{ending_signals()}, signals_{ending_} {
  if (::sigprocmask(SIG_BLOCK, &ending_, &old_mask_) == -1) sys::fail("sigprocmask");
}

Stage::~Stage() {
  cues_.clear();  // seen by all who wait for one
  try {
    if (player_.running()) player_.wait_until(sys::Clock::now() + kMayTake);
    player_ = Child{};
  } catch (const std::exception&) {
    // It was ours to reap and to kill; no more can be done.
  }
  ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
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

bool Stage::wait(int fd, short events, const sys::Deadline& deadline) {
  std::array<pollfd, 2> watched{pollfd{.fd = fd, .events = events, .revents = 0},
                                pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
  while (sys::poll_until(watched, deadline)) {
    for (const auto& signal : signals_.read()) {
      throw Interrupted{static_cast<int>(signal.ssi_signo)};
    }
    if (watched[0].revents != 0) return true;
  }
  return false;
}

void Stage::say(const std::string& line) {
  // Not before there is room: a write that blocks while signals are blocked could not be ended.
  wait(STDOUT_FILENO, POLLOUT);
  print_line(line);
}

void Stage::explain(std::initializer_list<std::string_view> sentences) {
  if (explains_) say(explanation(sentences));
}

int play(bool explains, Chronicle& chronicle, const std::function<void(Stage&)>& story) {
  int signal = 0;
  {
    Stage stage{explains, chronicle};
    try {
      chronicle.begin();
      story(stage);
    } catch (const Interrupted& interrupted) {
      signal = interrupted.signal;
    }
  }
  // Only now, when signals end us again: the picture may have to wait for its reader.
  if (signal == 0) {
    chronicle.end();
    return 0;
  }
  chronicle.break_off();
  sys::die_of(signal);
  return 128 + signal;
}

}  // namespace procrun::cmd
