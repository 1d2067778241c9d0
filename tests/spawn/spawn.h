#pragma once
// What the tests of `spawn` share beyond those of the program.
#include <dirent.h>
#include <grp.h>

#include <cstdlib>
#include <random>

#include "cli/program.h"

namespace procrun::test {

/// The command that does these steps (programs/spawn_do.c).
inline Words doing(const Words& steps) {
  Words words{child("spawn_do")};
  words.insert(words.end(), steps.begin(), steps.end());
  return words;
}

/// `options` and the command behind them, for run_procrun().
inline Words spawn(Words options, const Words& command) {
  options.insert(options.begin(), "spawn");
  options.emplace_back("--");
  options.insert(options.end(), command.begin(), command.end());
  return options;
}

inline bool contains(const std::string& text, const std::string& part) {
  const bool yes = text.find(part) != std::string::npos;
  if (!yes) UNSCOPED_INFO("no '" << part << "' in: " << text.substr(0, 4000));
  return yes;
}

/// The one line that an error is, and the code of procrun's own failures.
inline bool refused(const Result& result, const std::string& why) {
  const bool one_line = std::count(result.err.begin(), result.err.end(), '\n') == 1;
  return result.exited(125) && result.out.empty() && one_line &&
         contains(result.err, "procrun: spawn: ") && contains(result.err, why);
}

/// A text in the environment of all that a test starts, by which they are found wherever they are.
class Mark {
 public:
  Mark() {
    static int count = 0;
    text_ = "PROCRUN_TEST_MARK=" + number(::getpid()) + "." + std::to_string(++count);
  }
  const std::string& env() const { return text_; }
  /// Who runs with it; zombies have no environment any more.
  std::vector<pid_t> bearers() const {
    std::vector<pid_t> found;
    DIR* const dir = ::opendir("/proc");
    REQUIRE(dir != nullptr);
    while (const dirent* item = ::readdir(dir)) {
      const std::string name = item->d_name;
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      const std::string text = '\0' + read_file("/proc/" + name + "/environ");
      if (text.find('\0' + text_ + '\0') != std::string::npos) found.push_back(std::stoi(name));
    }
    ::closedir(dir);
    return found;
  }
  /// Nobody bears it any more before the deadline; else they are named and killed.
  bool gone(milliseconds deadline = milliseconds{0}) const {
    if (eventually([&] { return bearers().empty(); }, deadline)) return true;
    for (const pid_t pid : bearers()) {
      UNSCOPED_INFO("left: " << pid << " " << read_file("/proc/" + number(pid) + "/cmdline"));
      ::kill(pid, SIGKILL);
    }
    return false;
  }

 private:
  std::string text_;
};

/// No child of the test is left, not even a zombie that it has adopted.
inline bool nothing_to_reap() {
  siginfo_t any{};
  return ::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == -1 && errno == ECHILD;
}

inline std::vector<pid_t> children_of(pid_t pid) {
  std::vector<pid_t> found;
  for (const pid_t one : descendants_of(pid)) {
    if (parent_of(one) == pid) found.push_back(one);
  }
  return found;
}

/// procrun's worker, as soon as there is one.
inline pid_t worker_of(pid_t procrun) {
  pid_t worker = 0;
  REQUIRE(eventually([&] {
    for (const pid_t pid : children_of(procrun)) worker = pid;
    return worker != 0;
  }));
  return worker;
}

/// Its state is 'T' (stopped), say, before the deadline.
inline bool comes_to(pid_t pid, char state) {
  return eventually([&] {
    const std::string text = status_of(pid, "State");
    return !text.empty() && text[0] == state;
  });
}

/// The number of the field `key` in the line of JSON that --json tells.
inline double json_number(const std::string& text, const std::string& key) {
  std::smatch match;
  const std::regex field{"\"" + key + "\":(-?[0-9.e+-]+)"};
  CAPTURE(text, key);
  REQUIRE(std::regex_search(text, match, field));
  return std::stod(match[1]);
}

/// The monotonic times, in ms, of the steps `tick:FILE`.
inline std::vector<double> ticks_in(const std::string& path) {
  std::vector<double> times;
  for (const auto& line : lines_of(read_file(path))) times.push_back(std::stod(line) / 1e6);
  return times;
}

/// An ordinary user: what is run by it has no rights, also if the tests have them. The program and
/// its children are copied to where that user finds them.
class PlainUser {
 public:
  static constexpr uid_t kUid = 65534;

  PlainUser() {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms{0755});
    procrun_ = copy(kProcrun, "procrun", 0755);
    do_ = copy(child("spawn_do"), "spawn_do", 0755);
    if (::getuid() == 0) setuid_do_ = copy(child("spawn_do"), "spawn_setuid", 04755);
  }

  Words doing(const Words& steps) const { return with(do_, steps); }
  /// The same by a copy that is setuid root, which only root can make.
  Words doing_as_root(const Words& steps) const { return with(setuid_do_, steps); }
  Running start(const Words& words, Options options = {}) const {
    return test::start(with(procrun_, words), as_user(std::move(options)));
  }
  Result run(const Words& words, Options options = {}) const {
    return test::run(with(procrun_, words), as_user(std::move(options)));
  }
  /// Whether setuid programs work here at all; says why not.
  bool can_become_root() const {
    if (::getuid() != 0) {
      WARN("skipped: only root can make a setuid program");
      return false;
    }
    const Result result = test::run(doing_as_root({"root"}), as_user({}));
    if (WIFEXITED(result.status) && WEXITSTATUS(result.status) == 0) return true;
    WARN("skipped: setuid programs get no rights here (nosuid, no-new-privs)");
    return false;
  }
  const TempDir& dir() const { return dir_; }

 private:
  static Words with(const std::string& program, const Words& words) {
    Words all{program};
    all.insert(all.end(), words.begin(), words.end());
    return all;
  }
  static Options as_user(Options options) {
    options = plain(std::move(options));
    if (options.cwd.empty()) options.cwd = "/";
    const auto before = options.in_child;
    options.in_child = [before] {
      if (before) before();
      if (::getuid() != 0) return;
      if (::setgroups(0, nullptr) == -1 || ::setresgid(kUid, kUid, kUid) == -1 ||
          ::setresuid(kUid, kUid, kUid) == -1) {
        ::_exit(90);
      }
    };
    return options;
  }
  std::string copy(const std::string& from, const std::string& name, unsigned mode) const {
    std::filesystem::copy_file(from, dir_ / name);
    std::filesystem::permissions(dir_ / name, std::filesystem::perms{mode});
    return dir_ / name;
  }

  TempDir dir_;
  std::string procrun_;
  std::string do_;
  std::string setuid_do_;
};

/// A number from the environment, for the long runs of scripts/trust.
inline unsigned from_env(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : static_cast<unsigned>(std::strtoul(text, nullptr, 10));
}

}  // namespace procrun::test
