#pragma once
// How a process ended, as the wait family tells it.
#include <sys/wait.h>

#include <string>

namespace procrun {

/// The status of a child: ended, or (with WUNTRACED, WCONTINUED) stopped or continued. A value,
/// never an error. The raw word of wait(2) does not leave this type but through raw().
class ExitStatus {
 public:
  explicit ExitStatus(int wait_status = 0) noexcept : raw_{wait_status} {}

  /// What python_code() tells: a code, or -n for a death by signal n.
  static ExitStatus of_python_code(int code) noexcept {
    return ExitStatus{code < 0 ? W_EXITCODE(0, -code) : W_EXITCODE(code, 0)};
  }

  bool exited() const noexcept { return WIFEXITED(raw_); }
  bool signaled() const noexcept { return WIFSIGNALED(raw_); }
  bool stopped() const noexcept { return WIFSTOPPED(raw_); }
  bool continued() const noexcept { return WIFCONTINUED(raw_); }

  int code() const noexcept { return WEXITSTATUS(raw_); }        // if exited()
  int term_signal() const noexcept { return WTERMSIG(raw_); }    // if signaled()
  bool core_dumped() const noexcept { return WCOREDUMP(raw_); }  // if signaled()
  int stop_signal() const noexcept { return WSTOPSIG(raw_); }    // if stopped()

  bool success() const noexcept { return exited() && code() == 0; }
  /// What a shell would put in $?: 128 + n for a death by signal n.
  int shell_code() const noexcept { return signaled() ? 128 + term_signal() : code(); }
  /// As Python's exitcode: -n for a death by signal n.
  int python_code() const noexcept { return signaled() ? -term_signal() : code(); }
  /// The word that wait(2) stored, for those who print it.
  int raw() const noexcept { return raw_; }
  /// "exited with code 3", "killed by signal 9 (KILL)", "stopped by signal 19 (STOP)".
  std::string text() const;

  bool operator==(const ExitStatus&) const = default;

 private:
  int raw_;
};

}  // namespace procrun
