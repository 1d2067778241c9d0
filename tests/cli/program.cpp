#include "cli/program.h"

namespace procrun::test {

Options plain(Options options) {
  for (const char* name :
       {"NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE", "PROCRUN_SHELL", "MAKEFLAGS"}) {
    const bool wanted = std::any_of(options.env.begin(), options.env.end(), [&](auto& word) {
      return word.starts_with(std::string{name} + "=");
    });
    if (!wanted) options.unset.emplace_back(name);
  }
  return options;
}

Lines lines_of(std::string_view text) {
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

std::ptrdiff_t place_of(const Lines& lines, const std::string& text) {
  CAPTURE(lines, text);
  REQUIRE(std::count(lines.begin(), lines.end(), text) == 1);
  return std::find(lines.begin(), lines.end(), text) - lines.begin();
}

std::smatch matched(const Lines& lines, const std::string& pattern) {
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

bool matches(const std::string& text, const std::string& pattern) {
  return std::regex_match(text, std::regex{pattern});
}

bool is_shuffle(const Lines& all, const std::vector<Lines>& sequences) {
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

bool eventually(const std::function<bool()>& holds, milliseconds deadline) {
  for (const auto end = Clock::now() + deadline; Clock::now() < end;) {
    if (holds()) return true;
    const timespec two_ms{0, 2'000'000};
    ::nanosleep(&two_ms, nullptr);
  }
  return holds();
}

std::string status_of(pid_t pid, const std::string& key) {
  std::ifstream file{"/proc/" + number(pid) + "/status"};
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(key + ":")) continue;
    const auto value = line.find_first_not_of(" \t", key.size() + 1);
    return value == std::string::npos ? "" : line.substr(value);
  }
  return {};
}

pid_t parent_of(pid_t pid) {
  const std::string text = status_of(pid, "PPid");
  return text.empty() ? 0 : std::stoi(text);
}

bool is_running(pid_t pid) {
  const std::string state = status_of(pid, "State");
  return !state.empty() && state[0] != 'Z' && state[0] != 'X';
}

void reap_all() {
  CHECK(eventually([] {
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return ::waitpid(-1, nullptr, WNOHANG) == -1;
  }));
}

void kill_all() {
  CHECK(eventually([] {
    for (const pid_t pid : descendants_of(::getpid())) ::kill(pid, SIGKILL);
    while (::waitpid(-1, nullptr, WNOHANG) > 0) {
    }
    return ::waitpid(-1, nullptr, WNOHANG) == -1;
  }));
}

int reap(pid_t pid, milliseconds deadline) {
  int status = -1;
  pid_t reaped = 0;
  CAPTURE(pid);
  REQUIRE(eventually([&] { return (reaped = ::waitpid(pid, &status, WNOHANG)) != 0; }, deadline));
  REQUIRE(reaped == pid);
  return status;
}

Options on_terminal(const Terminal& terminal, Options options) {
  options.stdin_fd = terminal.slave();
  if (options.stdout_fd == -1) options.stdout_fd = terminal.slave();
  options.stderr_fd = terminal.slave();
  options.in_child = Terminal::control;
  return options;
}

Terminal::Terminal() {
  REQUIRE(::openpty(&master_, &slave_, nullptr, nullptr, nullptr) == 0);
  for (const int fd : {master_, slave_}) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

std::string Terminal::read_until(const std::string& text) {
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

bool Terminal::read_more() {
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

}  // namespace procrun::test
