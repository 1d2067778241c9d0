#pragma once
// Signals are blocked and read from a descriptor; there are no handler functions in procrun.
#include <signal.h>
#include <sys/signalfd.h>

#include <array>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "sys/fd.h"

namespace procrun::sys {

/// How a process treats signals.
struct SignalState {
  sigset_t mask{};     // blocked
  sigset_t ignored{};  // these two survive exec(2)
  sigset_t caught{};   // has a handler function, which ends with exec(2)
};

/// The calling process's state now. Some seventy system calls.
SignalState signal_state();

/// What a program that was just executed has to hand on once it changes its mask and SIGCHLD: it
/// has no handlers yet, and the other signals that it ignores are handed on by being left alone.
SignalState signal_state_at_start();

/// Whether this process ignores `signal`. One that is blocked is queued all the same.
bool is_ignored(int signal);

/// Every signal but those that a fault raises in the faulting process itself.
sigset_t all_signals();

/// Those, too: where they are blocked a fault kills all the same, and what somebody sends can be
/// passed on. Without the two that glibc keeps to itself (32 and 33).
sigset_t every_signal();

/// Takes these blocked signals from those that are pending.
void swallow(std::initializer_list<int> signals);

/// Blocks every signal while it lives and puts the old mask back at its end.
class SignalsBlocked {
 public:
  SignalsBlocked();
  ~SignalsBlocked();
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  const sigset_t& old_mask() const noexcept { return old_; }

 private:
  sigset_t old_{};
};

/// A descriptor that tells of blocked signals (signalfd(2)); non-blocking, close-on-exec.
class SignalFd {
 public:
  explicit SignalFd(const sigset_t& signals);
  int fd() const noexcept { return fd_.get(); }
  /// Some of those that are pending; none, if there are none. Never blocks. The span is good until
  /// the next call.
  std::span<const signalfd_siginfo> read();
  void close() noexcept { fd_.reset(); }

 private:
  Fd fd_;
  std::array<signalfd_siginfo, 8> pending_{};
};

/// "TERM" for 15, "RTMIN+3" for 37; the number itself where there is no name.
std::string signal_name(int signal);

/// The number for `TERM`, `SIGTERM`, `15`, `RTMIN+3`, in any case.
/// Throws std::invalid_argument, naming the accepted forms.
int parse_signal(std::string_view text);

/// Ends this process by `signal`, as the shell of the caller expects it of a program that was
/// interrupted; leaves no core file of ours. Returns only where the signal cannot kill us
/// (PID 1 of a namespace): the caller then exits with 128 + signal.
void die_of(int signal);

/// Stops this process as a job-control signal (TSTP, TTIN, TTOU) does by default, and returns when
/// it has been continued. Returns false at once where it does not stop: nobody could continue it
/// (an orphaned process group, PID 1), or it ignores the signal. All signals must be blocked; the
/// CONT is swallowed.
bool stop_by(int signal);

/// This process gets `signal` when its parent dies, or the thread of it that started us. Where the
/// parent dies meanwhile, it gets it now. Source: prctl(2), PR_SET_PDEATHSIG.
void die_with_parent(int signal);

}  // namespace procrun::sys
