#include "engine/ready.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>

#include "engine/notify.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::engine {
namespace {

using Kind = ReadyEnd::Kind;

sigset_t interrupts() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP}) {
    if (!sys::is_ignored(signal)) ::sigaddset(&set, signal);
  }
  return set;
}

class Wait {
 public:
  Wait(Background& background, Probe* probe, sys::Deadline deadline)
      : background_{background}, probe_{probe}, deadline_{deadline}, signals_{interrupts()} {}

  ReadyEnd run() {
    for (;;) {
      sleep();
      if (over_) return *over_;
      const auto now = sys::Clock::now();
      if (probe_ != nullptr && look_at_ <= now) look();
      if (over_) return *over_;
      if (deadline_ && *deadline_ <= now) return {.kind = Kind::TimedOut};
    }
  }

 private:
  /// The one wait. What the supervisor tells comes before what the probe could find.
  void sleep() {
    std::array<pollfd, 3> fds{
        {{.fd = background_.fd(), .events = POLLIN, .revents = 0},
         {.fd = signals_.fd(), .events = POLLIN, .revents = 0},
         {.fd = probe_ != nullptr ? probe_->fd() : -1, .events = POLLIN, .revents = 0}}};
    const bool asks = probe_ != nullptr && fds[2].fd == -1;
    sys::poll_until(fds, asks ? sys::earlier(look_at_, deadline_) : deadline_);
    if (fds[0].revents != 0) hear();
    if (fds[1].revents != 0 && !over_) {
      for (const auto& one : signals_.read()) take(static_cast<int>(one.ssi_signo));
    }
    if (fds[2].revents != 0) look_at_ = sys::Clock::now();
  }

  void take(int signal) {
    if (signal == SIGTSTP) {
      ::raise(SIGSTOP);  // the shell has the terminal until it lets us go on
    } else {
      over_ = {.kind = Kind::Interrupted, .signal = signal};
    }
  }

  void look() {
    const bool ready = probe_->ready();
    look_at_ =
        probe_->fd() == -1 ? sys::Clock::now() + probe_->pause() : sys::Clock::time_point::max();
    if (!ready) return;
    pollfd news{.fd = background_.fd(), .events = POLLIN, .revents = 0};
    while (!over_ && sys::poll_until({&news, 1}, sys::Clock::now())) hear();
    if (!over_) over_ = {.kind = Kind::Ready};
  }

  void hear() {
    const auto news = background_.next();
    if (!news) {
      over_ =
          ended_ ? ReadyEnd{.kind = Kind::Ended, .status = *ended_} : ReadyEnd{.kind = Kind::Lost};
      return;
    }
    if (news->kind == News::Kind::Ended) {
      ended_ = ExitStatus{news->code};
      if (!ended_->success()) over_ = {.kind = Kind::Ended, .status = *ended_};
    }
    if (news->kind != News::Kind::Notified) return;
    const Notification said = parse_notification(news->text);
    if (said.ready && probe_ == nullptr) over_ = {.kind = Kind::Ready};
    if (said.extend && deadline_) {
      deadline_ = std::max(*deadline_, sys::Clock::now() + *said.extend);
    }
  }

  Background& background_;
  Probe* probe_;
  sys::Deadline deadline_;
  sys::SignalFd signals_;
  sys::Clock::time_point look_at_ = sys::Clock::now();
  std::optional<ExitStatus> ended_;
  std::optional<ReadyEnd> over_;
};

}  // namespace

ReadyEnd wait_until_ready(Background& background, Probe* probe, sys::Deadline deadline) {
  return Wait{background, probe, deadline}.run();
}

void stop_and_wait(Background& background) {
  sys::SignalFd signals{interrupts()};
  background.stop();
  for (;;) {
    std::array<pollfd, 2> fds{{{.fd = background.fd(), .events = POLLIN, .revents = 0},
                               {.fd = signals.fd(), .events = POLLIN, .revents = 0}}};
    sys::poll_until(fds, std::nullopt);
    if (fds[1].revents != 0) {
      for (const auto& one : signals.read()) {
        if (one.ssi_signo == SIGTSTP) continue;  // it is over soon
        background.stop();
      }
    }
    if (fds[0].revents != 0 && !background.next()) return;
  }
}

}  // namespace procrun::engine
