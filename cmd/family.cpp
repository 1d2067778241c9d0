#include "cmd/family.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <utility>

#include "cmd/lesson.h"
#include "process/process.h"
#include "sys/error.h"

namespace procrun::cmd {
namespace {

sigset_t child_signal() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGCHLD);
  return set;
}

/// Whom waitid(2) is to be asked for in place of waitpid(2).
std::pair<idtype_t, id_t> whom(pid_t pid) {
  if (pid == -1) return {P_ALL, 0};
  if (pid > 0) return {P_PID, static_cast<id_t>(pid)};
  return {P_PGID, static_cast<id_t>(pid == 0 ? ::getpgrp() : -pid)};
}

bool has_ended(pid_t pid) {
  siginfo_t ended{};
  const int how = WEXITED | WNOHANG | WNOWAIT;
  return ::waitid(P_PID, static_cast<id_t>(pid), &ended, how) == 0 && ended.si_pid != 0;
}

}  // namespace

Family::Family(Chronicle& chronicle, EndingSignals& signals)
    : chronicle_{chronicle}, signals_{signals}, news_{child_signal()} {
  const sigset_t blocked = child_signal();
  if (::sigprocmask(SIG_BLOCK, &blocked, &old_mask_) == -1) sys::fail("sigprocmask");
}

Family::~Family() {
  for (const pid_t pid : children_) ::kill(pid, SIGKILL);  // unreaped, so it is still theirs
  for (const pid_t pid : children_) {
    try {
      chronicle_.reaped(pid, procrun::waitpid(pid).status);
    } catch (const std::exception&) {
      // What broke the lesson off says more.
    }
  }
  ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
}

pid_t Family::fork(const std::function<int()>& part) {
  const pid_t parent = ::getpid();
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    run_and_leave([&] {
      ::sigprocmask(SIG_SETMASK, &old_mask_, nullptr);
      signals_.restore();
      die_with(parent);
      leave(part());
    });
  }
  children_.push_back(pid);
  chronicle_.forked(pid, parent, "child process");
  return pid;
}

void Family::await(pid_t pid, int options) {
  const auto [kind, id] = whom(pid);
  const int how = WEXITED | WNOHANG | WNOWAIT | (options & (WUNTRACED | WCONTINUED));
  for (;;) {
    siginfo_t found{};
    const bool nobody_is_there = ::waitid(kind, id, &found, how) == -1;
    note_zombies(found.si_pid);
    if (nobody_is_there || found.si_pid != 0 || (options & WNOHANG) != 0) return;
    signals_.wait(news_.fd(), POLLIN);
    news_.read();
  }
}

Waited Family::waitpid(pid_t pid, int options) {
  await(pid, options);
  const Waited waited = procrun::waitpid(pid, options);
  if (waited.pid == 0) return waited;
  if (waited.status.stopped()) {
    chronicle_.stopped(waited.pid, waited.status);
  } else if (waited.status.continued()) {
    chronicle_.continued(waited.pid);
  } else {
    std::erase(children_, waited.pid);
    chronicle_.reaped(waited.pid, waited.status);
  }
  return waited;
}

void Family::note_zombies(pid_t but) {
  for (const pid_t pid : children_) {
    if (pid == but || zombies_.contains(pid) || !has_ended(pid)) continue;
    zombies_.insert(pid);
    chronicle_.zombie(pid, ::getpid());
  }
}

}  // namespace procrun::cmd
