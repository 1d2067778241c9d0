#include "cmd/ending_signals.h"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "cmd/shared.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::cmd {
namespace {

sigset_t those_not_ignored() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    if (!sys::is_ignored(signal)) ::sigaddset(&set, signal);  // blocked, it would be queued
  }
  return set;
}

}  // namespace

EndingSignals::EndingSignals() : ending_{those_not_ignored()}, signals_{ending_} {
  if (::sigprocmask(SIG_BLOCK, &ending_, &old_mask_) == -1) sys::fail("sigprocmask");
}

EndingSignals::~EndingSignals() { restore(); }

void EndingSignals::restore() noexcept {
  close();
  ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

void EndingSignals::hear() {
  for (const auto& signal : signals_.read()) {
    throw Interrupted{static_cast<int>(signal.ssi_signo)};
  }
}

bool EndingSignals::wait(int fd, short events, const sys::Deadline& deadline) {
  std::array<pollfd, 2> watched{pollfd{.fd = fd, .events = events, .revents = 0},
                                pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
  while (sys::poll_until(watched, deadline)) {
    hear();
    if (watched[0].revents != 0) return true;
  }
  return false;
}

void EndingSignals::say(const std::string& line) {
  // Not before there is room: a write that blocks while signals are blocked could not be ended.
  wait(STDOUT_FILENO, POLLOUT);
  print_line(line);
}

int until_told(const std::function<void(EndingSignals&)>& part) {
  EndingSignals signals;
  try {
    part(signals);
  } catch (const Interrupted& interrupted) {
    return interrupted.signal;
  }
  return 0;
}

int play_until_told(Chronicle& chronicle, const std::function<int(EndingSignals&)>& story) {
  int code = 0;
  const int signal = until_told([&](EndingSignals& signals) {
    chronicle.begin();
    code = story(signals);
  });
  // Only now, when signals end us again: the picture may have to wait for its reader.
  if (signal == 0) {
    chronicle.end();
    return code;
  }
  chronicle.break_off(signal);
  sys::die_of(signal);
  return 128 + signal;
}

}  // namespace procrun::cmd
