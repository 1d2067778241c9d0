#pragma once
// What the tests of the built program share.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cctype>
#include <chrono>
#include <fstream>
#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "support.h"

namespace procrun::test {

using Words = std::vector<std::string>;
using Lines = std::vector<std::string>;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
using std::chrono::seconds;

// --- The program ---

inline Words program(const Words& words) {
  Words all{kProcrun};
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

/// Without what the environment could tell procrun to do otherwise.
inline Options plain(Options options) {
  for (const char* name :
       {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PROCRUN_SHELL", "MAKEFLAGS"}) {
    const bool wanted = std::any_of(options.env.begin(), options.env.end(), [&](auto& word) {
      return word.starts_with(std::string{name} + "=");
    });
    if (!wanted) options.unset.emplace_back(name);
  }
  return options;
}

inline Running start_procrun(const Words& words, Options options = {}) {
  return start(program(words), plain(std::move(options)));
}

inline Result run_procrun(const Words& words, Options options = {}) {
  return run(program(words), plain(std::move(options)));
}

/// The path of one of the tiny children.
inline std::string child(const std::string& name) { return std::string{PROGRAMS_DIR} + "/" + name; }

// --- Text ---

/// The lines of `text`; a last one that no newline ends is marked.
inline Lines lines_of(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) {
      lines.back() += "<no newline>";
      break;
    }
    text.remove_prefix(end + 1);
  }
  return lines;
}

inline Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Where the one line that is `text` stands.
inline std::ptrdiff_t place_of(const Lines& lines, const std::string& text) {
  CAPTURE(lines, text);
  REQUIRE(std::count(lines.begin(), lines.end(), text) == 1);
  return std::find(lines.begin(), lines.end(), text) - lines.begin();
}

/// The groups of `pattern` in the one line that matches it as a whole.
inline std::smatch matched(const Lines& lines, const std::string& pattern) {
  static std::string line;  // the match points into it
  CAPTURE(lines, pattern);
  const std::regex expression{pattern};
  int count = 0;
  for (const auto& one : lines) {
    if (!std::regex_match(one, expression)) continue;
    line = one;
    ++count;
  }
  REQUIRE(count == 1);
  std::smatch match;
  std::regex_match(line, match, expression);
  return match;
}

/// Its first group, as a string.
inline std::string group_of(const Lines& lines, const std::string& pattern) {
  return matched(lines, pattern)[1].str();
}

inline bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_match(text, std::regex{pattern});
}

/// Whether `all` consists of just these sequences, each in its order, shuffled in any way. Equal
/// lines must stand in one sequence only.
inline bool is_shuffle(const Lines& all, const std::vector<Lines>& sequences) {
  std::vector<std::size_t> next(sequences.size(), 0);
  for (const auto& line : all) {
    bool found = false;
    for (std::size_t i = 0; i < sequences.size() && !found; ++i) {
      found = next[i] < sequences[i].size() && sequences[i][next[i]] == line;
      if (found) ++next[i];
    }
    if (!found) return false;
  }
  for (std::size_t i = 0; i < sequences.size(); ++i) {
    if (next[i] != sequences[i].size()) return false;
  }
  return true;
}

inline std::string number(pid_t pid) { return std::to_string(pid); }

// --- Time ---

/// Whether `holds` comes true before the deadline.
inline bool eventually(const std::function<bool()>& holds, milliseconds deadline = seconds{10}) {
  for (const auto end = Clock::now() + deadline; Clock::now() < end;) {
    if (holds()) return true;
    const timespec two_ms{0, 2'000'000};
    ::nanosleep(&two_ms, nullptr);
  }
  return holds();
}

// --- Processes ---

/// The line of /proc/PID/status that begins with `key`, without it; empty if there is none.
inline std::string status_of(pid_t pid, const std::string& key) {
  std::ifstream file{"/proc/" + number(pid) + "/status"};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key + ":")) continue;
    const auto value = line.find_first_not_of(" \t", key.size() + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

inline pid_t parent_of(pid_t pid) {
  const std::string text = status_of(pid, "PPid");
  return text.empty() ? 0 : std::stoi(text);
}

inline bool is_running(pid_t pid) {
  const std::string state = status_of(pid, "State");
  return !state.empty() && state[0] != 'Z' && state[0] != 'X';
}

/// Reaps all children of the test, those that it adopted too (beside NoDescendantLeft), as they
/// end.
inline void reap_all() {
  CHECK(eventually([] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return ::waitpid(-1, nullptr, WNOHANG) == -1;
  }));
}

/// Kills and reaps all that descends from the test, also whoever is just being born.
inline void kill_all() {
  CHECK(eventually([] {
    for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return ::waitpid(-1, nullptr, WNOHANG) == -1;
  }));
}

/// Waits until a child, adopted or not, ends, and reaps it; the raw status.
inline int reap(pid_t pid, milliseconds deadline = seconds{15}) {
  int status = -1;
  pid_t reaped = 0;
  CAPTURE(pid);
  REQUIRE(eventually([&] { return (reaped = ::waitpid(pid, &status, WNOHANG)) != 0; }, deadline));
  REQUIRE(reaped == pid);
  return status;
}

// --- A terminal ---

class Terminal {
 public:
  Terminal() {
    REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, nullptr) == 0);
    for (const int fd : {master_, slave_}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
  ~Terminal() {
    ::close(master_);
    close_slave();
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  int slave() const { return slave_; }
  /// Ours; once the program has it, or the end could not be told.
  void close_slave() {
    if (slave_ != -1) ::close(std::exchange(slave_, -1));
  }
  void type(std::string_view text) const {
    REQUIRE(::write(master_, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  /// All that is printed up to and with `text`, without \r.
  std::string read_until(const std::string& text) {
    CAPTURE(text, seen_);
    for (;;) {
      if (const auto at = seen_.find(text); at != std::string::npos) {
        const std::string found = seen_.substr(0, at + text.size());
        seen_.erase(0, found.size());
        return found;
      }
      REQUIRE(read_more());
    }
  }
  /// All that is printed until nobody has the terminal open any more.
  std::string read_rest() {
    while (read_more()) {
    }
    return std::exchange(seen_, {});
  }
  /// For Options::in_child: the terminal on descriptor 0 becomes the controlling one.
  static void control() {
    ::setsid();
    ::ioctl(0, TIOCSCTTY, 0);
  }

 private:
  bool read_more() {
    pollfd readable{master_, POLLIN, 0};
    REQUIRE(::poll(&readable, 1, 20000) == 1);
    char block[4096];
    const ssize_t size = ::read(master_, block, sizeof block);
    if (size <= 0) return false;  // EIO: closed by all
    for (const char byte : std::string_view{block, static_cast<std::size_t>(size)}) {
      if (byte != '\r') seen_ += byte;
    }
    return true;
  }

  int master_ = -1;
  int slave_ = -1;
  std::string seen_;
};

/// A terminal as stdin and stderr, and as stdout too unless that is given.
inline Options on_terminal(const Terminal& terminal, Options options = {}) {
  options.stdin_fd = terminal.slave();
  if (options.stdout_fd == -1) options.stdout_fd = terminal.slave();
  options.stderr_fd = terminal.slave();
  options.in_child = Terminal::control;
  return options;
}

}  // namespace procrun::test
