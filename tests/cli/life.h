#pragma once
// What the tests of zombies and orphans share: the settings in which the lessons are played, and
// the kernel's own view.
#include "program.h"

namespace procrun::test {

/// Who adopts orphans: the machine's own PID 1 or subreaper, or this test.
enum class Below { Machine, Test };

inline Below any_setting() { return GENERATE(Below::Machine, Below::Test); }

/// Guards what can be guarded: where the machine adopts orphans it has them.
class Setting {
 public:
  explicit Setting(Below below) {
    if (below == Below::Test) guard_.emplace();
  }

 private:
  std::optional<NoDescendantLeft> guard_;
};

inline std::string name_of(pid_t pid) { return status_of(pid, "Name"); }

/// "4879 (procrun)".
inline std::string named(pid_t pid) { return number(pid) + " (" + name_of(pid) + ")"; }

/// As the kernel has it: ended, unreaped, the child of `parent`, without memory.
inline void check_zombie(pid_t pid, pid_t parent) {
  CAPTURE(pid, parent);
  CHECK(status_of(pid, "State") == "Z (zombie)");
  CHECK(parent_of(pid) == parent);
  CHECK(status_of(pid, "VmRSS") == "");
  std::ifstream file{"/proc/" + number(pid) + "/stat"};
  std::string stat;
  std::getline(file, stat);
  CHECK(stat.find(") Z " + number(parent) + " ") != std::string::npos);
}

/// Whom an orphan of the test's gets as its parent.
inline pid_t adopter_here() {
  int ends[2];
  int go[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(go, O_CLOEXEC) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    if (::fork() != 0) ::_exit(0);
    ::close(go[1]);
    char byte = 0;
    (void)!::read(go[0], &byte, 1);
    const pid_t adopter = ::getppid();
    (void)!::write(ends[1], &adopter, sizeof adopter);
    ::_exit(0);
  }
  REQUIRE(::waitpid(parent, nullptr, 0) == parent);
  ::close(ends[1]);
  ::close(go[0]);
  ::close(go[1]);
  pid_t adopter = 0;
  CHECK(::read(ends[0], &adopter, sizeof adopter) == sizeof adopter);
  ::close(ends[0]);
  return adopter;
}

inline pid_t pid_in(const Lines& lines, const std::string& pattern) {
  return std::stoi(group_of(lines, pattern));
}

/// A lesson that is being played, and its lines up to where it was read.
struct Played {
  Running running;
  pid_t pid = running.pid();
  std::string text = {};
  Lines lines = {};

  explicit Played(const Words& words, Options options = {})
      : Played{kProcrun, words, std::move(options)} {}
  Played(const std::string& binary, const Words& words, Options options = {})
      : running{joined(binary, words), plain(std::move(options))} {}

  static Words joined(const std::string& binary, const Words& words) {
    Words all{binary};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  void read_until(const std::string& wanted) {
    text += running.read_until(Stream::Out, wanted);
    lines = lines_of(text);
  }
  /// Up to the end of the line in which that stands.
  void read_line_with(const std::string& wanted) {
    read_until(wanted);
    if (!wanted.ends_with('\n')) read_until("\n");
  }
  /// All its lines, from the first one.
  Result finish() {
    Result result = running.finish();
    lines = lines_of(result.out);
    return result;
  }
};

/// Why there can be no new pid namespace here; empty: there can.
inline const std::string& no_namespace() {
  static const std::string why = [] {
    const Result result =
        run({"unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "true"});
    return result.status == 0 ? "" : "unshare: " + result.err;
  }();
  return why;
}

/// `words` in a new pid namespace, whose PID 1 is the first of them.
inline Words in_namespace(const Words& words, bool with_proc = true) {
  Words all{"unshare", "--user", "--map-root-user", "--pid", "--fork"};
  if (with_proc) all.emplace_back("--mount-proc");
  all.insert(all.end(), words.begin(), words.end());
  return all;
}

}  // namespace procrun::test
