#pragma once
// What the tests of `procrun fork` share: jobs that are left running, and where they are recorded.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <nlohmann/json.hpp>

#include "program.h"

namespace procrun::test {

/// A command that `procrun fork` left running: ended, with all below it, at the end of the test.
class Background {
 public:
  explicit Background(const Result& started) {
    CAPTURE(started.out, started.err);
    REQUIRE(matches(started.out, "[0-9]+\n"));
    REQUIRE(started.exited(0));
    pid_ = std::stoi(started.out);
    supervisor_ = parent_of(pid_);
    for (const pid_t one : descendants_of(::getpid())) {  // it may have ended
      if (supervisor_ == 0 && parent_of(one) == ::getpid()) supervisor_ = one;
    }
    REQUIRE(supervisor_ != 0);  // procrun has gone, we have adopted it
    REQUIRE(parent_of(supervisor_) == ::getpid());
  }
  ~Background() { end(); }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  pid_t pid() const { return pid_; }
  pid_t supervisor() const { return supervisor_; }
  /// Asks the supervisor to end all, and waits for its end.
  void end() {
    if (supervisor_ == 0) return;
    ::kill(supervisor_, SIGTERM);
    await_end();
  }
  /// Waits until the supervisor has ended by itself, and the command with it.
  void await_end() {
    const pid_t awaited = std::exchange(supervisor_, 0);
    const bool ended = eventually([&] { return ::waitpid(awaited, nullptr, WNOHANG) != 0; });
    if (ended) return;
    INFO("the supervisor " << awaited << " does not end: state " << status_of(awaited, "State")
                           << ", in " << read_file("/proc/" + number(awaited) + "/wchan")
                           << ", pending " << status_of(awaited, "ShdPnd"));
    CHECK(ended);
    ::kill(awaited, SIGKILL);
    ::waitpid(awaited, nullptr, 0);
  }
  /// Kills the supervisor alone; the command is adopted by the test.
  void lose_supervisor() {
    const pid_t killed = std::exchange(supervisor_, 0);
    REQUIRE(::kill(killed, SIGKILL) == 0);
    reap(killed);
  }

 private:
  pid_t pid_ = 0;
  pid_t supervisor_ = 0;
};

inline std::vector<std::string> names_in(const std::filesystem::path& directory,
                                         const std::string& ending = "") {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{directory}) {
    if (entry.path().string().ends_with(ending)) names.push_back(entry.path().string());
  }
  return names;
}

/// Its state directory, and options that name it.
struct State {
  TempDir dir;
  std::string path = dir / "state";
  Options options(Options more = {}) const {
    more.env.push_back("PROCRUN_STATE_DIR=" + path);
    return more;
  }
  /// `procrun fork -q …` on it.
  Result fork(const Words& words, Options more = {}) const {
    Words all{"fork", "-q"};
    all.insert(all.end(), words.begin(), words.end());
    return run_procrun(all, options(std::move(more)));
  }
  /// What --list --json says of the last job with that name or pid.
  nlohmann::json job(const std::string& word) const {
    const Result result = fork({"--list", "--json"});
    CHECK(result.exited(0));
    nlohmann::json last;
    for (const std::string& line : lines_of(result.out)) {
      auto job = nlohmann::json::parse(line);
      if (job["name"] == word || std::to_string(job["pid"].get<int>()) == word) last = job;
    }
    return last;
  }
  std::vector<std::string> logs() const { return names_in(path, ".log"); }
};

/// A port of 127.0.0.1 that nobody listens on.
inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), size) == 0);
  REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) == 0);
  ::close(fd);
  return ntohs(at.sin_port);
}

/// What a server on that port of 127.0.0.1 says; empty where nobody listens.
inline std::string ask(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<std::uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const bool connected = ::connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
  const std::string text = connected ? read_all(fd) : "";
  ::close(fd);
  return text;
}

}  // namespace procrun::test
