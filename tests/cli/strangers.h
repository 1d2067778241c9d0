#pragma once
// Processes that are not procrun's children, for the tests of waitpid.
#include <sys/syscall.h>
#include <time.h>

#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.h"

namespace procrun::test {

/// PIDFD_GET_INFO with PIDFD_INFO_EXIT came with Linux 6.15.
inline bool kernel_tells() {
  int major = 0;
  int minor = 0;
  const std::string release = read_file("/proc/sys/kernel/osrelease");
  if (std::sscanf(release.c_str(), "%d.%d", &major, &minor) != 2) return false;
  const bool yes = major > 6 || (major == 6 && minor >= 15);
  if (!yes) WARN("skipped: this kernel does not tell a stranger's exit status");
  return yes;
}

/// Whether a process sleeps: of procrun, that it has found all that it waits for.
inline bool is_waiting(pid_t pid) { return status_of(pid, "State").starts_with("S"); }

/// Waits until procrun waits.
inline void await_waiting(const Running& procrun) {
  REQUIRE(eventually([&] { return is_waiting(procrun.pid()); }));
}

/// Some children of one parent, by the program `strangers`.
class Strangers {
 public:
  /// `how` they end: see there. With Keep their parent does not reap them before reap().
  enum class Parent { Reaps, Keeps };
  explicit Strangers(const std::string& how, int count = 1, Parent parent = Parent::Reaps,
                     Options options = {})
      : parent_{start(words(how, count, parent), kept_open(std::move(options)))} {
    for (const auto& line : lines_of(parent_.read_until(Stream::Out, "ready\n"))) {
      if (line != "ready") pids_.push_back(std::stoi(line));
    }
  }

  pid_t pid() const { return pids_.front(); }
  const std::vector<pid_t>& pids() const { return pids_; }
  pid_t parent() const { return parent_.pid(); }
  /// As words for a command line.
  Words names() const {
    Words words;
    for (const pid_t one : pids_) words.push_back(number(one));
    return words;
  }

  /// Lets them end; those of a parent that keeps them are zombies then.
  void release() { parent_.write("go\n"); }
  /// Lets their parent reap them, and ends it. The raw status of each, as their parent has it.
  std::map<pid_t, int> reap() {
    parent_.write("go\n");
    std::map<pid_t, int> statuses;
    const auto lines = lines_of(parent_.finish().out);
    for (const auto& line : lines) {
      int pid = 0;
      int status = 0;
      if (std::sscanf(line.c_str(), "%d %d", &pid, &status) == 2) statuses[pid] = status;
    }
    return statuses;
  }

 private:
  static Words words(const std::string& how, int count, Parent parent) {
    Words words{child("strangers"), std::to_string(count), how};
    if (parent == Parent::Keeps) words.emplace_back("keep");
    return words;
  }
  static Options kept_open(Options options) {
    options.keep_stdin_open = true;
    return options;
  }

  Running parent_;
  std::vector<pid_t> pids_;
};

/// How long procrun sleeps in its epoll_wait before it looks around by itself, in ms; -1: for ever;
/// nothing while it is not asleep there.
inline std::optional<int> patience_of(const Running& procrun) {
  std::istringstream call{read_file("/proc/" + number(procrun.pid()) + "/syscall")};
  long name = -1;
  std::uint64_t argument[4] = {};
  call >> name >> std::hex;
  for (auto& one : argument) call >> one;
  const bool asleep = call && (name == SYS_epoll_wait || name == SYS_epoll_pwait);
  if (!asleep) return std::nullopt;
  return static_cast<int>(argument[3]);
}

/// The records of --json, by pid.
inline std::map<pid_t, nlohmann::json> records_of(const std::string& out) {
  std::map<pid_t, nlohmann::json> records;
  for (const auto& line : lines_of(out)) {
    const auto record = nlohmann::json::parse(line);
    records[record["pid"].is_null() ? 0 : record["pid"].get<pid_t>()] = record;
  }
  return records;
}

/// The processor time that a process has used.
inline std::chrono::nanoseconds cpu_time_of(pid_t pid) {
  clockid_t clock{};
  timespec used{};
  REQUIRE(::clock_getcpuclockid(pid, &clock) == 0);
  REQUIRE(::clock_gettime(clock, &used) == 0);
  return seconds{used.tv_sec} + std::chrono::nanoseconds{used.tv_nsec};
}

/// A copy of procrun that every user can run.
class ForAll {
 public:
  ForAll() {
    std::filesystem::permissions(dir_.path(), std::filesystem::perms{0755});
    std::filesystem::copy_file(kProcrun, dir_ / "procrun");
  }
  /// As nobody, who may not inspect processes of root.
  Running start_as_nobody(Words words) const {
    words.insert(words.begin(), dir_ / "procrun");
    return start(words, plain({.in_child = [] {
                   if (::setresgid(65534, 65534, 65534) == -1) ::_exit(97);
                   if (::setresuid(65534, 65534, 65534) == -1) ::_exit(97);
                 }}));
  }

 private:
  TempDir dir_;
};

inline bool is_root() {
  if (::geteuid() != 0) WARN("skipped: only root can be two users");
  return ::geteuid() == 0;
}

/// Lets the strangers of a parent that keeps them end, and waits until all are zombies.
inline void make_zombies(Strangers& strangers) {
  strangers.release();
  for (const pid_t pid : strangers.pids()) {
    REQUIRE(eventually([&] { return status_of(pid, "State").starts_with("Z"); }));
  }
}

}  // namespace procrun::test
