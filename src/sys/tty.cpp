#include "sys/tty.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "sys/error.h"
#include "sys/proc.h"
#include "sys/signals.h"

namespace procrun::sys {
namespace {

bool is_empty(pid_t group) { return ::kill(-group, 0) == -1 && errno == ESRCH; }

bool is_below_us(pid_t group) {
  const auto kin = descendants_of(::getpid());
  return std::any_of(kin.begin(), kin.end(),
                     [&](const Kin& one) { return ::getpgid(one.pid) == group; });
}

}  // namespace

std::optional<Terminal> Terminal::controlling() {
  Fd fd{::open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)};
  if (fd) return Terminal{std::move(fd)};
  // A container may have no such file.
  for (int given = 0; given < 3; ++given) {
    const pid_t session = ::tcgetsid(given);
    if (session != -1 && session == ::getsid(0)) return Terminal{duplicate(given)};
  }
  return std::nullopt;
}

bool Terminal::is_ours() const noexcept {
  const pid_t own = ::getpgrp();  // 0 where its leader is outside of our pid namespace
  return own != 0 && foreground() == own;
}

void Terminal::lend() {
  lent_ = true;
  if (settings_) return;
  termios now{};
  if (::tcgetattr(fd(), &now) == 0) settings_ = now;
}

bool Terminal::lend(pid_t group) {
  if (::tcsetpgrp(fd(), group) == -1) return false;
  lend();
  return true;
}

bool Terminal::take_back() {
  const bool lent = std::exchange(lent_, false);
  if (is_ours()) return true;
  const pid_t group = foreground();
  if (group <= 0) return false;
  if (!(lent && is_empty(group)) && !is_below_us(group)) return false;
  return ::tcsetpgrp(fd(), ::getpgrp()) == 0;
}

void Terminal::restore_settings() const noexcept {
  if (settings_) ::tcsetattr(fd(), TCSANOW, &*settings_);
}

void Terminal::leave() {
  if (::ioctl(fd(), TIOCNOTTY) == -1) fail("give up the terminal");
  swallow({SIGHUP, SIGCONT});
}

bool stop_group_by(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  // Pending for us, and gone again if a shell that sees others stopped continues us all before we
  // are: to stop ourselves after it would be for good.
  ::kill(0, signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::sigpending(&set);
  if (::sigismember(&set, SIGCONT) != 1) return false;
  swallow({SIGCONT});
  return true;
}

}  // namespace procrun::sys
