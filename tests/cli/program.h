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
Options plain(Options options);

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
Lines lines_of(std::string_view text);

inline Lines sorted(Lines lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

/// Where the one line that is `text` stands.
std::ptrdiff_t place_of(const Lines& lines, const std::string& text);

/// The groups of `pattern` in the one line that matches it as a whole.
std::smatch matched(const Lines& lines, const std::string& pattern);

/// Its first group, as a string.
inline std::string group_of(const Lines& lines, const std::string& pattern) {
  return matched(lines, pattern)[1].str();
}

bool matches(const std::string& text, const std::string& pattern);

/// Whether `all` consists of just these sequences, each in its order, shuffled in any way. Equal
/// lines must stand in one sequence only.
bool is_shuffle(const Lines& all, const std::vector<Lines>& sequences);

inline std::string number(pid_t pid) { return std::to_string(pid); }

// --- Time ---

/// Whether `holds` comes true before the deadline.
bool eventually(const std::function<bool()>& holds, milliseconds deadline = seconds{10});

// --- Processes ---

/// The line of /proc/PID/status that begins with `key`, without it; empty if there is none.
std::string status_of(pid_t pid, const std::string& key);

pid_t parent_of(pid_t pid);

bool is_running(pid_t pid);

/// Reaps all children of the test, those that it adopted too (beside NoDescendantLeft), as they
/// end.
void reap_all();

/// Kills and reaps all that descends from the test, also whoever is just being born.
void kill_all();

/// Waits until a child, adopted or not, ends, and reaps it; the raw status.
int reap(pid_t pid, milliseconds deadline = seconds{15});

// --- A terminal ---

class Terminal {
 public:
  Terminal();
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
  std::string read_until(const std::string& text);
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
  bool read_more();

  int master_ = -1;
  int slave_ = -1;
  std::string seen_;
};

/// A terminal as stdin and stderr, and as stdout too unless that is given.
Options on_terminal(const Terminal& terminal, Options options = {});

}  // namespace procrun::test
