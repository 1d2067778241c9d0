#include "sys/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string_view>

#include "sys/fd.h"
#include "sys/slurp.h"

namespace procrun::sys {
namespace {

std::vector<pid_t> parse_pids(std::string_view text) {
  std::vector<pid_t> pids;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [next, error] = std::from_chars(at, end, pid);
    if (error == std::errc{}) pids.push_back(pid);
    at = next == at ? at + 1 : next;
  }
  return pids;
}

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

template <class Each>
void for_each_number_in(const std::string& directory, Each each) {
  const std::unique_ptr<DIR, CloseDir> dir{::opendir(directory.c_str())};
  while (const dirent* entry = dir ? ::readdir(dir.get()) : nullptr) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) != 0) each(entry->d_name);
  }
}

/// Those of all its threads (CONFIG_PROC_CHILDREN).
std::vector<pid_t> listed_children(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task/";
  std::vector<pid_t> children;
  for_each_number_in(tasks, [&](const char* thread) {
    const auto pids = parse_pids(slurp(tasks + thread + "/children"));
    children.insert(children.end(), pids.begin(), pids.end());
  });
  return children;
}

/// The text of a process's stat: a walk over all processes may run beside hundreds that fork, so it
/// does no more than it must.
std::string quick_stat(int proc, const char* pid) {
  char path[32];
  std::snprintf(path, sizeof path, "%s/stat", pid);
  const Fd file{::openat(proc, path, O_RDONLY | O_CLOEXEC)};
  char text[1024];
  const ssize_t size = file ? ::read(file.get(), text, sizeof text) : 0;
  return {text, size > 0 ? static_cast<std::size_t>(size) : 0};
}

/// The parent, from the beginning of it.
pid_t quick_parent(int proc, const char* pid) {
  const std::string stat = quick_stat(proc, pid);
  const auto close = stat.rfind(") ");
  pid_t parent = 0;
  if (close == std::string_view::npos || close + 4 >= stat.size()) return 0;
  std::from_chars(stat.data() + close + 4, stat.data() + stat.size(), parent);  // behind ") S "
  return parent;
}

/// Who is whose child, of all processes: for kernels that do not list children.
std::multimap<pid_t, pid_t> all_children() {
  const Fd proc{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  std::multimap<pid_t, pid_t> children;
  for_each_number_in("/proc", [&](const char* name) {
    const pid_t parent = quick_parent(proc.get(), name);
    if (parent != 0) children.emplace(parent, static_cast<pid_t>(std::atoi(name)));
  });
  return children;
}

template <class ChildrenOf>
std::vector<Kin> walk(pid_t root, const std::function<bool(pid_t)>& skip, ChildrenOf children_of) {
  std::vector<Kin> found;
  const auto add = [&](pid_t parent) {
    for (const pid_t pid : children_of(parent)) {
      if (!skip || !skip(pid)) found.push_back({pid, parent});
    }
  };
  add(root);
  for (std::size_t i = 0; i < found.size(); ++i) add(found[i].pid);
  return found;
}

/// Those of the numbers that the kernel says are our children, ended ones too.
std::vector<pid_t> children_between(pid_t first, pid_t last) {
  std::vector<pid_t> found;
  for (pid_t pid = first; pid <= last; ++pid) {
    siginfo_t ended{};
    const auto id = static_cast<id_t>(pid);
    if (::waitid(P_PID, id, &ended, WEXITED | WNOHANG | WNOWAIT) == 0) found.push_back(pid);
  }
  return found;
}

/// The number given to a process that starts now; -1 if none can.
pid_t newest_pid() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  if (pid > 0) ::waitpid(pid, nullptr, 0);
  return pid;
}

/// Found without /proc. What we have started has a number between ours and the newest, unless the
/// numbers have gone round: then all are asked for.
std::vector<pid_t> asked_children() {
  constexpr pid_t kHighest = 4'194'304;  // that pid_max can be
  siginfo_t any{};
  if (::waitid(P_ALL, 0, &any, WEXITED | WNOHANG | WNOWAIT) == -1) return {};  // we have none
  auto found = children_between(::getpid() + 1, newest_pid());
  return found.empty() ? children_between(1, kHighest) : found;
}

std::optional<ProcessStat> parse_stat(pid_t pid, std::string_view text) {
  // The name may hold anything, parentheses and spaces too: it ends at the last one.
  const auto open = text.find('(');
  const auto close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos) return std::nullopt;
  ProcessStat stat;
  stat.pid = pid;
  stat.name = text.substr(open + 1, close - open - 1);
  const std::string rest{text.substr(close + 1)};
  unsigned long long start = 0;
  if (std::sscanf(rest.c_str(),
                  " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                  &stat.state, &stat.ppid, &stat.pgid, &stat.sid, &start) != 5) {
    return std::nullopt;
  }
  stat.start_time = start;
  return stat;
}

bool kernel_is_since(int major, int minor) {
  utsname name{};
  int its_major = 0;
  int its_minor = 0;
  ::uname(&name);
  if (std::sscanf(name.release, "%d.%d", &its_major, &its_minor) != 2) return false;
  return its_major > major || (its_major == major && its_minor >= minor);
}

/// Of a zombie: who may, finds that its program is gone; who may not, is not told.
bool may_inspect(pid_t pid) {
  char target[1];
  const std::string program = "/proc/" + std::to_string(pid) + "/exe";
  return ::readlink(program.c_str(), target, sizeof target) != -1 || errno == ENOENT;
}

bool kernel_lists_children() {
  static const bool lists = ::access("/proc/thread-self/children", R_OK) == 0;
  return lists;
}

}  // namespace

bool proc_is_ours() {
  static pid_t asked_by = 0;  // a copy of us may live in another namespace
  static bool ours = false;
  if (asked_by == ::getpid()) return ours;
  asked_by = ::getpid();
  const std::string status = slurp("/proc/self/status");
  // Our number in its namespace, and in each one below it down to ours: one, if the two are one.
  const std::string label = "\nNSpid:\t";
  const auto at = status.find(label);
  ours = !status.empty();
  if (at == std::string::npos) return ours;  // a kernel without such namespaces
  const auto numbers = std::string_view{status}.substr(at + label.size());
  return ours = numbers.substr(0, numbers.find('\n')) == std::to_string(asked_by);
}

std::optional<ProcessStat> process_stat(pid_t pid) {
  if (!proc_is_ours()) return std::nullopt;
  return parse_stat(pid, slurp("/proc/" + std::to_string(pid) + "/stat"));
}

namespace {

/// What stands behind `label` in a text of lines; empty where it does not stand there.
std::string field_of(const std::string& text, const std::string& label) {
  const auto at = ("\n" + text).find("\n" + label + ":");
  if (at == std::string::npos) return {};
  const auto from = text.find_first_not_of(" \t", at + label.size() + 1);
  return text.substr(from, text.find('\n', from) - from);
}

}  // namespace

std::optional<ProcessStatus> process_status(pid_t pid) {
  if (!proc_is_ours()) return std::nullopt;
  const std::string text = slurp("/proc/" + std::to_string(pid) + "/status");
  if (text.empty()) return std::nullopt;
  return ProcessStatus{.name = field_of(text, "Name"),
                       .state = field_of(text, "State"),
                       .ppid = std::atoi(field_of(text, "PPid").c_str()),
                       .resident = field_of(text, "VmRSS")};
}

std::optional<std::string> process_limit_of(pid_t pid) {
  if (!proc_is_ours()) return std::nullopt;
  // Unlike prlimit(2) it is told of another user's process, too.
  const std::string text = slurp("/proc/" + std::to_string(pid) + "/limits");
  const std::string label = "\nMax processes";
  const auto at = text.find(label);
  if (at == std::string::npos) return std::nullopt;
  const auto from = text.find_first_not_of(' ', at + label.size());
  return text.substr(from, text.find(' ', from) - from);
}

std::uint64_t count_threads_of(uid_t user) {
  std::uint64_t count = 0;
  for_each_number_in("/proc", [&](const char* pid) {
    const std::string text = slurp(std::string{"/proc/"} + pid + "/status");
    const std::string users = field_of(text, "Uid");  // the real one first
    if (!users.empty() && std::strtoul(users.c_str(), nullptr, 10) == user) {
      count += std::strtoull(field_of(text, "Threads").c_str(), nullptr, 10);
    }
  });
  return count;
}

std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> all;
  if (!proc_is_ours()) return all;
  const Fd proc{::open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  for_each_number_in("/proc", [&](const char* name) {
    if (auto stat = parse_stat(std::atoi(name), quick_stat(proc.get(), name))) {
      all.push_back(std::move(*stat));
    }
  });
  return all;
}

pid_t newest_number() {
  if (!proc_is_ours()) return 0;
  const std::string load = slurp("/proc/loadavg");
  return std::atoi(load.c_str() + load.rfind(' ') + 1);
}

std::optional<int> zombie_status(pid_t pid) {
  if (!proc_is_ours() || !kernel_is_since(5, 17)) return std::nullopt;
  const std::string text = slurp("/proc/" + std::to_string(pid) + "/stat");
  const auto stat = parse_stat(pid, text);
  if (!stat || stat->state != 'Z') return std::nullopt;
  const int word = std::atoi(text.c_str() + text.rfind(' ') + 1);  // the last field
  // 0 is also what those see who may not inspect it.
  if (word == 0 && !may_inspect(pid)) return std::nullopt;
  return word;
}

std::vector<Kin> descendants_of(pid_t root, const std::function<bool(pid_t)>& skip) {
  if (!proc_is_ours()) {
    return walk(root, skip, [](pid_t parent) {
      return parent == ::getpid() ? asked_children() : std::vector<pid_t>{};
    });
  }
  if (kernel_lists_children()) return walk(root, skip, listed_children);
  const auto children = all_children();
  return walk(root, skip, [&](pid_t parent) {
    std::vector<pid_t> pids;
    const auto [from, to] = children.equal_range(parent);
    for (auto child = from; child != to; ++child) pids.push_back(child->second);
    return pids;
  });
}

std::string command_of(pid_t pid) {
  if (!proc_is_ours()) return "[not in /proc]";
  std::string text = slurp("/proc/" + std::to_string(pid) + "/cmdline");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  if (text.empty()) {
    const auto stat = process_stat(pid);
    return stat ? "[" + stat->name + "]" : "[gone]";
  }
  for (char& byte : text) {
    if (std::iscntrl(static_cast<unsigned char>(byte)) != 0) byte = ' ';
  }
  if (text.size() > 80) text = text.substr(0, 77) + "...";
  return text;
}

}  // namespace procrun::sys
