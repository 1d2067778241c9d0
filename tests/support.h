#pragma once
// What the tests share: guards that nothing is left behind, and a way to run programs that does
// not use the library under test.
#include <signal.h>
#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace procrun::test {

// --- What is tested (variant.cpp) ---

extern const char* const kProcrun;  ///< the path of the program
extern const bool kSanitized;       ///< it and the library have sanitizers: they need more memory

// --- Guards: declare them first in a TEST_CASE. They do nothing in a forked copy of the test. ---

/// At the end no child may be left, running or unreaped; what is left is killed and reaped.
class NoChildLeft {
 public:
  NoChildLeft();
  ~NoChildLeft();
  NoChildLeft(const NoChildLeft&) = delete;
  NoChildLeft& operator=(const NoChildLeft&) = delete;

 private:
  pid_t owner_;
};

/// At the end the same descriptor numbers are open as at the start.
class SameOpenFds {
 public:
  SameOpenFds();
  ~SameOpenFds();
  SameOpenFds(const SameOpenFds&) = delete;
  SameOpenFds& operator=(const SameOpenFds&) = delete;

 private:
  pid_t owner_;
  std::map<int, std::string> before_;
};

/// Adopts orphans while it lives (subreaper), and at the end no descendant may be running: they
/// get 2 s to go, then they are named and killed. It reaps what it adopted, except beside a
/// NoChildLeft in a test that ran no program with run() or start(): all children are the test's
/// own there, and one that ended unreaped is for NoChildLeft to report.
class NoDescendantLeft {
 public:
  NoDescendantLeft();
  ~NoDescendantLeft();
  NoDescendantLeft(const NoDescendantLeft&) = delete;
  NoDescendantLeft& operator=(const NoDescendantLeft&) = delete;

 private:
  pid_t owner_;
  int was_subreaper_ = 0;
  int programs_before_;
};

/// A directory of its own, removed with all it holds at the end.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// The path of `name` in it, as a string for an argv.
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

 private:
  pid_t owner_;
  std::filesystem::path path_;
};

/// All that `fd` gives until end-of-file.
std::string read_all(int fd);
std::string read_file(const std::filesystem::path& path);
void write_file(const std::filesystem::path& path, std::string_view text);

/// The pid of each running (not zombie) descendant of `pid`, parents before children.
std::vector<pid_t> descendants_of(pid_t pid);

// --- Programs ---

struct Options {
  std::string input = {};               ///< what it finds on stdin, then end-of-file
  std::vector<std::string> env = {};    ///< K=V, on top of our environment
  std::vector<std::string> unset = {};  ///< K, taken out of it
  std::string cwd = {};
  std::chrono::milliseconds timeout{20000};  ///< then it is killed and the test fails
  int stdin_fd = -1;                         ///< given instead of a pipe
  int stdout_fd = -1;
  int stderr_fd = -1;
  bool close_stdin = false;
  bool close_stdout = false;
  bool close_stderr = false;
  bool keep_stdin_open = false;  ///< start() only: no end-of-file before close_input()
  /// The end is the program's exit and what its pipes hold then. Otherwise it is their
  /// end-of-file as well, so a descendant that keeps one open counts as a hang.
  bool until_exit = false;
  std::function<void()> in_child = {};  ///< called in the child right before exec
};

struct Result {
  std::string out = {};
  std::string err = {};
  int status = 0;  ///< raw, as wait() gives it

  /// These tell how it did end, and its stderr, if a CHECK on them fails.
  bool exited(int code) const;
  bool signaled(int signal) const;
  std::string describe() const;
};

enum class Stream { Out, Err };

/// A started program. It is killed and reaped at the end unless finish() was called. Of a procrun
/// that writes --events to a file, all records that are whole lines have to be as the schema says.
class Running {
 public:
  Running(const std::vector<std::string>& argv, Options options);
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  pid_t pid() const { return pid_; }
  void send(int signal) const;
  void write(std::string_view text);  ///< with keep_stdin_open; sent while one of these waits
  void close_input();
  /// Waits until the stream has brought `text` after what earlier calls returned; returns all
  /// from there up to its end. The test fails at the deadline or when the stream ends first.
  std::string read_until(Stream stream, std::string_view text,
                         std::chrono::milliseconds deadline = std::chrono::seconds{10});
  /// Waits for the end and reaps it. `out` and `err` hold all that came since the start.
  Result finish();

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  struct Pipe {
    int fd = -1;
    std::string text = {};
    std::size_t read = 0;  ///< how much of it read_until() has returned
  };
  bool step(Deadline deadline, bool watch_exit);  ///< one poll; false at the deadline
  void feed();
  void take(Pipe& pipe);
  void drain(Pipe& pipe);
  [[noreturn]] void give_up(const std::string& why);
  void kill_and_reap() noexcept;
  void check_events() const;

  Options options_;
  std::string events_ = {};  ///< the file of --events
  std::string name_;
  Deadline end_;
  pid_t pid_ = -1;
  int pidfd_ = -1;
  int in_ = -1;
  Pipe out_;
  Pipe err_;
  Result result_;
  bool exited_ = false;
};

/// Starts a program; PATH is searched if argv[0] holds no slash.
inline Running start(const std::vector<std::string>& argv, Options options = {}) {
  return Running{argv, std::move(options)};
}

/// Runs a program to its end.
Result run(const std::vector<std::string>& argv, Options options = {});

}  // namespace procrun::test
