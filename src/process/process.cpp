#include "process/process.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <stdexcept>

#include "process/fork.h"

namespace procrun {

Process::Process(std::function<void()> target) : target_{std::move(target)} {
  static int count = 0;
  name_ = "Process-" + std::to_string(++count);
}

Process::~Process() {
  try {
    child_.wait();
  } catch (const std::exception&) {
    // Never started, moved away, in a forked copy, or reaped by somebody's wait(): nothing to join.
  }
}

void Process::start() {
  if (child_.pid() != 0) throw std::logic_error("a process can be started only once");
  const pid_t pid = procrun::fork();
  if (pid == 0) run_and_leave(target_);
  child_ = Child{pid};
}

void Process::join() {
  require_started();
  child_.wait();
}

bool Process::join(sys::Duration limit) {
  require_started();
  return child_.wait_until(sys::Clock::now() + limit).has_value();
}

void Process::terminate() {
  require_started();
  child_.send(SIGTERM);
}

void Process::kill() {
  require_started();
  child_.send(SIGKILL);
}

bool Process::is_alive() { return child_.pid() != 0 && !child_.try_wait(); }

std::optional<int> Process::exitcode() {
  if (child_.pid() == 0) return std::nullopt;
  const auto status = child_.try_wait();
  return status ? std::optional{status->python_code()} : std::nullopt;
}

void Process::require_started() const {
  if (child_.pid() == 0) throw std::logic_error("a process must be started first");
}

void run_and_leave(const std::function<void()>& target) noexcept {
  int code = 1;
  try {
    target();
    code = 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "procrun: child %d: %s\n", static_cast<int>(::getpid()), error.what());
  } catch (...) {
    std::fprintf(stderr, "procrun: child %d: unknown exception\n", static_cast<int>(::getpid()));
  }
  leave(code);
}

}  // namespace procrun
