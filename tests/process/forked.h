#pragma once
// A piece of a test in a forked child: for what would change or end the test's own process. The
// child asserts nothing; it reports over a pipe and by its exit code. Nothing here uses the
// library.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace procrun::test {

/// Writes all of it to a descriptor that blocks.
inline void say(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t size = ::write(fd, text.data(), text.size());
    if (size == -1 && errno == EINTR) continue;
    if (size == -1) return;
    text.remove_prefix(static_cast<std::size_t>(size));
  }
}

using Instant = std::chrono::steady_clock::time_point;

inline Instant in_seconds(int count) {
  return std::chrono::steady_clock::now() + std::chrono::seconds{count};
}

/// Waits until `fd` is readable or at its end; false at the deadline.
inline bool readable(int fd, Instant deadline) {
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd one{fd, POLLIN, 0};
    const int ready = ::poll(&one, 1, left.count() > 0 ? static_cast<int>(left.count()) : 0);
    if (ready != -1) return ready == 1;
    if (errno != EINTR) return false;
  }
}

/// Waits until a process, child or not, has ended; false at the deadline.
inline bool ends(pid_t pid, Instant deadline = in_seconds(10)) {
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd == -1) return true;
  const bool ended = readable(pidfd, deadline);
  ::close(pidfd);
  return ended;
}

/// Reaps a child of ours, or an orphan that is to come to us; empty if it has not ended in time.
inline std::optional<int> reaped(pid_t pid, Instant deadline = in_seconds(10)) {
  if (!ends(pid, deadline)) return std::nullopt;
  int status = 0;
  while (::waitpid(pid, &status, 0) == -1) {
    if (errno != EINTR) return std::nullopt;
  }
  return status;
}

class ForkedChild {
 public:
  struct End {
    int status = 0;  ///< raw
    std::string report = {};

    /// These tell how it did end if a CHECK on them fails.
    bool exited(int code) const {
      const bool yes = WIFEXITED(status) && WEXITSTATUS(status) == code;
      if (!yes) UNSCOPED_INFO("the child's raw status is " << status << "; it said: " << report);
      return yes;
    }
    bool signaled(int signal) const {
      const bool yes = WIFSIGNALED(status) && WTERMSIG(status) == signal;
      if (!yes) UNSCOPED_INFO("the child's raw status is " << status << "; it said: " << report);
      return yes;
    }
  };

  /// `body` gets the descriptor to report to and returns the exit code; an exception is reported
  /// and ends with code 99.
  explicit ForkedChild(const std::function<int(int report)>& body) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == -1) FAIL("pipe2 failed with errno " << errno);
    std::fflush(nullptr);
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not to outlive a test that is killed
      if (::getppid() != parent) ::_exit(98);
      ::close(ends[0]);
      ::_exit(run(body, ends[1]));
    }
    ::close(ends[1]);
    report_ = ends[0];
    if (pid_ == -1) FAIL("fork failed with errno " << errno);
  }
  ~ForkedChild() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      (void)reaped(pid_);
    }
    if (report_ != -1) ::close(report_);
  }
  ForkedChild(const ForkedChild&) = delete;
  ForkedChild& operator=(const ForkedChild&) = delete;

  pid_t pid() const { return pid_; }

  /// The next line of its report, without the newline. The test fails if it does not come.
  std::string line() {
    const auto deadline = in_seconds(20);
    for (;;) {
      const auto newline = text_.find('\n', taken_);
      if (newline != std::string::npos) {
        const auto from = std::exchange(taken_, newline + 1);
        return text_.substr(from, newline - from);
      }
      if (!readable(report_, deadline)) FAIL("the child said nothing in time");
      if (!take()) FAIL("the child's report ended: " << text_);
    }
  }
  int number() { return std::stoi(line()); }

  /// Waits for its end, and reads what it said up to then. Killed and failed at the limit.
  End finish(std::chrono::seconds limit = std::chrono::seconds{30}) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
    bool open = true;
    for (;;) {
      pollfd watched[2] = {{pidfd, POLLIN, 0}, {open ? report_ : -1, POLLIN, 0}};
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      if (left.count() <= 0) {
        ::close(pidfd);
        FAIL("the child did not end in time; it said: " << text_);
      }
      ::poll(watched, 2, static_cast<int>(left.count()));
      if (watched[1].revents != 0) open = take();
      if (watched[0].revents != 0) break;
    }
    ::close(pidfd);
    while (open && readable(report_, in_seconds(0))) open = take();
    End end;
    ::waitpid(pid_, &end.status, 0);
    pid_ = -1;
    end.report = text_;
    return end;
  }

 private:
  static int run(const std::function<int(int)>& body, int report) noexcept {
    int code = 99;
    try {
      code = body(report);
    } catch (const std::exception& error) {
      say(report, std::string{"threw: "} + error.what());
    } catch (...) {
      say(report, "threw something");
    }
    std::fflush(nullptr);
    return code;
  }
  /// False at the end of the report.
  bool take() {
    char block[65536];
    const ssize_t size = ::read(report_, block, sizeof block);
    if (size > 0) text_.append(block, static_cast<std::size_t>(size));
    return size > 0 || (size == -1 && errno == EINTR);
  }

  pid_t pid_ = -1;
  int report_ = -1;
  std::string text_;
  std::size_t taken_ = 0;
};

/// Runs `body` in a forked child to its end.
inline ForkedChild::End in_child(const std::function<int(int report)>& body) {
  return ForkedChild{body}.finish();
}

}  // namespace procrun::test
