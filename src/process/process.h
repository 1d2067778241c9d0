#pragma once
// Python's multiprocessing.Process: a function that runs in a child of its own.
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

#include "process/child.h"

namespace procrun {

/// A target with its arguments, run in a forked child by start(). The child ends with code 0 when
/// the target returns, and with 1 and a message on stderr when it throws. Join it in the process
/// that started it; what has been started is joined at the latest when its Process goes.
class Process {
 public:
  /// Copies `target` and its arguments. Nothing runs before start().
  template <class Target, class... Args>
  requires std::is_invocable_v < std::decay_t<Target>
  &, std::decay_t<Args>... > explicit Process(Target&& target, Args&&... args)
      : Process{std::function<void()>{[call = std::decay_t<Target>(std::forward<Target>(target)),
                                       bound = std::tuple<std::decay_t<Args>...>(std::forward<Args>(
                                           args)...)]() mutable { std::apply(call, bound); }}} {}

  Process(Process&&) noexcept = default;
  Process& operator=(Process&&) = delete;
  ~Process();

  /// Forks the child. Throws std::logic_error when it was started before, std::system_error when
  /// the fork fails.
  void start();
  /// Waits until it has ended. Blocks. Throws std::logic_error when it was never started.
  void join();
  /// The same for at most `limit`; false when it still runs then.
  bool join(sys::Duration limit);
  /// Sends SIGTERM, or SIGKILL; does nothing when it has ended.
  void terminate();
  void kill();

  bool is_alive();
  /// 0 when the target returned, 1 when it threw, -n when signal n killed it; empty while it runs.
  std::optional<int> exitcode();
  /// 0 before start().
  pid_t pid() const noexcept { return child_.pid(); }
  /// "Process-1", "Process-2", … unless set.
  const std::string& name() const noexcept { return name_; }
  void set_name(std::string name) { name_ = std::move(name); }

 private:
  explicit Process(std::function<void()> target);
  void require_started() const;

  std::function<void()> target_;
  std::string name_;
  Child child_;
};

/// Runs `target` and ends this process: with 0 when it returns, with 1 and a message on stderr
/// when it throws. For the child side of a fork.
[[noreturn]] void run_and_leave(const std::function<void()>& target) noexcept;

}  // namespace procrun
