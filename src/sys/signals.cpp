#include "sys/signals.h"

#include <strings.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

#include "sys/error.h"

namespace procrun::sys {
namespace {

std::optional<int> parse_number(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<int> parse_realtime(std::string_view upper) {
  const bool from_end = upper.starts_with("RTMAX");
  if (!from_end && !upper.starts_with("RTMIN")) return std::nullopt;
  const int base = from_end ? SIGRTMAX : SIGRTMIN;
  upper.remove_prefix(5);
  if (upper.empty()) return base;
  if (upper.front() != (from_end ? '-' : '+')) return std::nullopt;
  const auto offset = parse_number(upper.substr(1));
  if (!offset || *offset < 0 || *offset > SIGRTMAX - SIGRTMIN) return std::nullopt;
  return from_end ? base - *offset : base + *offset;
}

}  // namespace

SignalState signal_state() {
  SignalState state;
  ::sigemptyset(&state.ignored);
  ::sigemptyset(&state.caught);
  if (::sigprocmask(SIG_SETMASK, nullptr, &state.mask) == -1) fail("sigprocmask");
  for (int signal = 1; signal <= SIGRTMAX; ++signal) {
    struct sigaction action {};
    // glibc refuses the two real-time signals that it keeps to itself.
    if (::sigaction(signal, nullptr, &action) == -1) continue;
    const bool is_default = (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
    const bool is_ignored = (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_IGN;
    if (!is_default) ::sigaddset(is_ignored ? &state.ignored : &state.caught, signal);
  }
  return state;
}

SignalState signal_state_at_start() {
  SignalState state;
  ::sigemptyset(&state.ignored);
  ::sigemptyset(&state.caught);
  if (::sigprocmask(SIG_SETMASK, nullptr, &state.mask) == -1) fail("sigprocmask");
  if (is_ignored(SIGCHLD)) ::sigaddset(&state.ignored, SIGCHLD);
  return state;
}

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_IGN;
}

sigset_t all_signals() {
  sigset_t set;
  ::sigfillset(&set);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) {
    ::sigdelset(&set, fault);
  }
  return set;
}

sigset_t every_signal() {
  sigset_t set;
  ::sigfillset(&set);
  return set;
}

void swallow(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : signals) ::sigaddset(&set, signal);
  const timespec at_once{};
  while (::sigtimedwait(&set, nullptr, &at_once) > 0) {
  }
}

SignalsBlocked::SignalsBlocked() {
  const sigset_t all = all_signals();
  if (::sigprocmask(SIG_BLOCK, &all, &old_) == -1) fail("sigprocmask");
}

SignalsBlocked::~SignalsBlocked() { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }

SignalFd::SignalFd(const sigset_t& signals)
    : fd_{retry("signalfd", [&] { return ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK); })} {
}

std::span<const signalfd_siginfo> SignalFd::read() {
  const ssize_t size = ::read(fd_.get(), pending_.data(), sizeof pending_);
  if (size == -1 && errno != EAGAIN && errno != EINTR) fail("read signalfd");
  const std::size_t count = size > 0 ? static_cast<std::size_t>(size) / sizeof pending_[0] : 0;
  return {pending_.data(), count};
}

std::string signal_name(int signal) {
  if (const char* name = ::sigabbrev_np(signal)) return name;
  if (signal >= SIGRTMIN && signal <= SIGRTMAX) {
    return signal == SIGRTMIN ? "RTMIN" : "RTMIN+" + std::to_string(signal - SIGRTMIN);
  }
  return std::to_string(signal);
}

int parse_signal(std::string_view text) {
  std::string upper{text};
  for (char& letter : upper) {
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  if (upper.starts_with("SIG")) upper.erase(0, 3);
  if (const auto number = parse_number(upper); number && *number > 0 && *number <= SIGRTMAX) {
    return *number;
  }
  if (const auto signal = parse_realtime(upper)) return *signal;
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const char* name = ::sigabbrev_np(signal);
    if (name != nullptr && upper == name) return signal;
  }
  throw std::invalid_argument("'" + std::string{text} + "' is not a signal (TERM, SIGTERM, 15)");
}

void die_of(int signal) {
  // The core file, if any, is the command's; a second one of ours would only hide it.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(signal, SIG_DFL);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::raise(signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

bool stop_by(int signal) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, signal);
  ::raise(signal);  // forgets a CONT of before
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  ::sigemptyset(&set);
  if (::sigpending(&set) == -1) fail("sigpending");
  if (::sigismember(&set, SIGCONT) != 1) return false;
  swallow({SIGCONT});
  return true;
}

void die_with_parent(int signal) {
  const pid_t parent = ::getppid();
  if (::prctl(PR_SET_PDEATHSIG, signal) == -1) fail("prctl PR_SET_PDEATHSIG");
  if (::getppid() != parent) ::raise(signal);
}

}  // namespace procrun::sys
