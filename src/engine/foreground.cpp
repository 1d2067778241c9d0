#include "engine/foreground.h"

#include <signal.h>
#include <unistd.h>

#include <stdexcept>

#include "sys/signals.h"

namespace procrun::engine {

using event::Type;
using Kind = job::Outcome::Kind;

void Foreground::prepare() {
  while (!terminal_.is_ours() && !terminal_.take_back()) {
    if (sys::stop_group_by(SIGTTIN)) continue;
    throw std::runtime_error(
        "--tty: we stand in the background of the terminal, and no shell could bring us to the "
        "front");
  }
  terminal_.lend();
}

void Foreground::note(const event::Event& event) noexcept {
  if (event.type != Type::Exec && event.type != Type::Stopped) return;
  group_ = event.pid;
  if (event.type == Type::Exec) return;
  const int signal = ExitStatus{event.status}.stop_signal();
  // By another signal it was stopped by someone who will also continue it.
  if (signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) stop_ = signal;
}

bool Foreground::stand_still(int signal) {
  const bool wants_terminal = signal == SIGTTIN || signal == SIGTTOU;
  // A shell that brings to the front what runs in the background does not tell.
  const bool has_it_now = wants_terminal && terminal_.is_ours();
  if (!has_it_now) {
    terminal_.take_back();
    // The whole group: our shell may wait for another member, the script that has started us.
    if (!sys::stop_group_by(signal) && wants_terminal) return false;
  }
  if (group_ != 0 && terminal_.is_ours()) terminal_.lend(group_);
  return true;
}

int Foreground::ended(const job::Outcome& outcome) {
  stop_ = 0;
  // What there may be left of the job's group, when its worker was lost, is about to die.
  const bool is_jobs = group_ != 0 && terminal_.foreground() == group_;
  group_ = 0;
  const bool is_back = is_jobs ? terminal_.lend(::getpgrp()) : terminal_.take_back();
  const bool was_killed = outcome.kind == Kind::Lost || outcome.status.signaled();
  if (is_back && was_killed) terminal_.restore_settings();
  if (outcome.kind != Kind::Ended || !outcome.status.signaled()) return 0;
  const int signal = outcome.status.term_signal();
  return signal == SIGINT || signal == SIGQUIT || signal == SIGHUP ? signal : 0;
}

}  // namespace procrun::engine
