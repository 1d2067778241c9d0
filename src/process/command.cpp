#include "process/command.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

#include "sys/arguments.h"
#include "sys/error.h"

namespace procrun {
namespace {

constexpr int kNone = -1;

/// What was tried, for the message.
std::string attempt(SpawnStep step, const std::string& program, const std::string& directory) {
  switch (step) {
    case SpawnStep::Start:
      return "start a process for " + program;
    case SpawnStep::Signals:
      return "set the signals of " + program;
    case SpawnStep::Group:
      return "give " + program + " a process group";
    case SpawnStep::Terminal:
      return "give " + program + " the terminal";
    case SpawnStep::Stdio:
      return "place the standard descriptors of " + program;
    case SpawnStep::Descriptors:
      return "close descriptors for " + program;
    case SpawnStep::Limits:
      return "set the resource limits of " + program;
    case SpawnStep::Cpus:
      return "bind " + program + " to these processors";
    case SpawnStep::Nice:
      return "set the niceness of " + program;
    case SpawnStep::OomScore:
      return "set the OOM score of " + program;
    case SpawnStep::User:
      return "change the user of " + program;
    case SpawnStep::Directory:
      return "change directory to " + directory;
    case SpawnStep::NoNewPrivs:
      return "forbid new privileges to " + program;
    case SpawnStep::ParentDeath:
      return "set the parent-death signal of " + program;
    case SpawnStep::Exec:
      return "execute " + (program.empty() ? "''" : program);
  }
  return "start " + program;
}

/// PATH as the command will have it, as env(1) has it looked up.
std::string_view path_in(const std::vector<char*>& variables) {
  constexpr std::string_view kName = "PATH=";
  for (const char* const variable : variables) {
    if (variable == nullptr) break;
    const std::string_view entry = variable;
    if (entry.starts_with(kName)) return entry.substr(kName.size());
  }
  return "/bin:/usr/bin";
}

/// execvp(3)'s rule: a name with a slash is a path, others are looked up in PATH, where an empty
/// entry is the current directory. A zero byte behind each; empty for a path.
std::string places_of(const std::string& program, const std::vector<char*>& variables) {
  if (program.empty() || program.find('/') != std::string::npos) return {};
  std::string_view path = path_in(variables);
  std::string places;
  for (;;) {
    const auto colon = path.find(':');
    const auto directory = path.substr(0, colon);
    if (!directory.empty()) places.append(directory).append(1, '/');
    places.append(program).append(1, '\0');
    if (colon == std::string_view::npos) return places;
    path.remove_prefix(colon + 1);
  }
}

char* pointer_to(const std::string& text) { return const_cast<char*>(text.c_str()); }

/// Adds pointers to texts that stand one after the other, a zero byte behind each.
void add_each(const std::string& texts, std::vector<char*>& array) {
  for (std::size_t at = 0; at < texts.size(); at = texts.find('\0', at) + 1) {
    array.push_back(pointer_to(texts) + at);
  }
}

/// For a program without `#!`, which execvp(3) has run by a shell: the words of `argv` come second.
std::vector<char*> script_array(const std::vector<std::string>& argv) {
  std::vector<char*> array;
  array.reserve(argv.size() + 2);
  array.push_back(const_cast<char*>("/bin/sh"));
  for (const std::string& word : argv) array.push_back(pointer_to(word));
  array.push_back(nullptr);
  return array;
}

/// The descriptor, or a copy of it where its number is among those that the child overwrites.
int above_stdio(int fd, sys::Fd& copy) {
  if (fd == kNone || fd >= 3) return fd;
  copy = sys::duplicate(fd);
  return copy.get();
}

void reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
}

/// Which limit E2BIG speaks of; the kernel does not say.
std::string limit_of(int error, const std::vector<std::string>& argv) {
  if (error != E2BIG) return {};
  const std::size_t most = sys::longest_argument() - 1;
  for (const std::string& word : argv) {
    if (word.size() <= most) continue;
    return " (an argument of " + std::to_string(word.size()) + " bytes; one can have " +
           std::to_string(most) + ")";
  }
  return " (the limit on all arguments and variables together: getconf ARG_MAX)";
}

bool may_pass_soon(int error) { return error == EAGAIN || error == ENOMEM || error == ETXTBSY; }

}  // namespace

SpawnError::SpawnError(SpawnStep step, int error, const std::string& program,
                       const std::string& directory, const std::string& limit)
    : std::runtime_error{"cannot " + attempt(step, program, directory) + ": " +
                         std::generic_category().message(error) + limit},
      step_{step},
      error_{error} {}

int SpawnError::exit_code() const noexcept {
  if (step_ != SpawnStep::Exec) return 125;
  return error_ == ENOENT || error_ == ENOTDIR ? 127 : 126;
}

Child Command::spawn() const {
  int pidfd = kNone;
  const pid_t pid = start(&pidfd);
  return Child{pid, sys::Fd{pidfd}};
}

pid_t Command::start() const { return start(nullptr); }

/// For execve(2): pointers to what this holds, borrows or inherits.
std::vector<char*> Command::environment() const {
  const auto* const base = shared_env == nullptr && env ? &*env : shared_env;
  std::vector<char*> array;
  constexpr std::size_t kOfExtra = 16;  // as a rule it has fewer
  array.reserve((base != nullptr ? base->size() : 0) + kOfExtra);
  if (base != nullptr) {
    for (const std::string& entry : *base) array.push_back(pointer_to(entry));
  } else {
    for (char** variable = environ; *variable != nullptr; ++variable) array.push_back(*variable);
  }
  add_each(extra_env, array);
  array.push_back(nullptr);
  return array;
}

pid_t Command::start(int* pidfd) const {
  if (argv.empty()) throw std::logic_error("a command needs a program");
  // All that allocates, or can fail politely, comes before the child.
  const auto variables = environment();
  const auto places = places_of(argv.front(), variables);
  std::vector<char*> candidates;
  add_each(places, candidates);
  if (places.empty()) candidates.push_back(pointer_to(argv.front()));
  candidates.push_back(nullptr);
  auto words = script_array(argv);
  std::array<sys::Fd, 3> copies;
  std::vector<int> kept_fds = kept;
  std::sort(kept_fds.begin(), kept_fds.end());
  kept_fds.erase(std::unique(kept_fds.begin(), kept_fds.end()), kept_fds.end());
  std::erase_if(kept_fds, [](int fd) { return fd < 3; });  // those reach it anyway

  ExecPlan plan{.candidates = candidates.data(),
                .script_argv = words.data(),
                .envp = variables.data(),
                .directory = directory.empty() ? nullptr : directory.c_str(),
                .stdio = {above_stdio(in, copies[0]), above_stdio(out, copies[1]),
                          above_stdio(err, copies[2])},
                .group = group,
                .terminal = terminal,
                .close_others = close_others,
                .kept = kept_fds.data(),
                .kept_count = kept_fds.size(),
                .place = place,
                .parent_death_signal = parent_death_signal,
                .parent = parent_death_signal != 0 ? ::getpid() : 0};
  const sys::SignalState state = signals ? *signals : sys::signal_state();
  plan.caught = state.caught;
  plan.ignored = state.ignored;
  plan.mask = state.mask;

  std::optional<sys::SignalsBlocked> blocked;
  if (!signals_are_blocked) blocked.emplace();
  for (int pause = 1;; pause *= 2) {  // milliseconds: 1 + 2 + … + 256 is half a second
    const pid_t pid = start_child(plan, pidfd);
    const SpawnStep step = pid == -1 ? SpawnStep::Start : plan.failed_step;
    const int error = pid == -1 ? errno : plan.error;
    if (error == 0) return pid;
    if (pid != -1) {
      reap(pid);
      if (pidfd != nullptr) ::close(*pidfd);
    }
    if (!may_pass_soon(error) || pause > 256) {
      throw SpawnError{step, error, argv[0], directory, limit_of(error, argv)};
    }
    ::poll(nullptr, 0, pause);
  }
}

}  // namespace procrun
