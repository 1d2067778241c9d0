#include "engine/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <set>
#include <stdexcept>

#include "engine/recipe.h"
#include "input/shell.h"
#include "job/retry.h"
#include "process/command.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::engine {
namespace {

// --- port ---

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

std::optional<Address> address_of(const std::string& host, int port) {
  Address address;
  auto& v4 = reinterpret_cast<sockaddr_in&>(address.storage);
  auto& v6 = reinterpret_cast<sockaddr_in6&>(address.storage);
  if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(static_cast<std::uint16_t>(port));
    address.size = sizeof v4;
    return address;
  }
  if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(static_cast<std::uint16_t>(port));
  address.size = sizeof v6;
  return address;
}

/// A machine that answers does so sooner.
constexpr auto kAnswers = std::chrono::seconds{1};

bool accepts(const Address& address) {
  const sys::Fd socket{
      ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket) return false;  // no such family here
  const auto* const where = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(socket.get(), where, address.size) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd connected{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  if (!sys::poll_until({&connected, 1}, sys::Clock::now() + kAnswers)) return false;
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

class PortProbe final : public Probe {
 public:
  explicit PortProbe(const ReadyRule& rule) {
    const bool local = rule.text == "localhost";
    addresses_.push_back(*address_of(local ? "127.0.0.1" : rule.text, rule.port));
    if (local) addresses_.push_back(*address_of("::1", rule.port));
    if (!ready()) return;
    throw std::runtime_error("port " + std::to_string(rule.port) + " of " + rule.text +
                             " answers already, before the command is started");
  }

  bool ready() override {
    for (const Address& address : addresses_) {
      if (accepts(address)) return true;
    }
    return false;
  }

 private:
  std::vector<Address> addresses_;
};

// --- line ---

/// A line that is longer is looked at in pieces.
constexpr std::size_t kLongestLine = 64UL * 1024;

class LineProbe final : public Probe {
 public:
  LineProbe(const std::string& regex, const std::vector<std::string>& paths)
      : pattern_{regex}, inotify_{sys::retry("inotify_init1", [] {
          return ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
        })} {
    const std::set<std::string> once{paths.begin(), paths.end()};
    for (const std::string& path : once) {
      if (!path.empty()) follow(path);
    }
    if (logs_.empty()) throw std::runtime_error("--ready line: the output goes to no file of ours");
  }

  int fd() const override { return inotify_.get(); }

  bool ready() override {
    std::array<char, 4096> events;
    while (::read(inotify_.get(), events.data(), events.size()) > 0) {
    }
    for (Log& log : logs_) {
      if (read_on(log)) return true;
    }
    return false;
  }

 private:
  struct Log {
    sys::Fd file;
    std::string rest;  // of a line that has not ended
  };

  void follow(const std::string& path) {
    sys::Fd file = sys::open(path, O_RDONLY | O_NONBLOCK);
    struct stat status {};
    if (::fstat(file.get(), &status) == -1) sys::fail("look at " + path);
    if (!S_ISREG(status.st_mode)) {
      throw std::runtime_error("--ready line: " + path + " is no file that could be read again");
    }
    if (::inotify_add_watch(inotify_.get(), path.c_str(), IN_MODIFY) == -1) {
      sys::fail("watch " + path);
    }
    if (::lseek(file.get(), 0, SEEK_END) == -1) sys::fail("seek in " + path);
    logs_.push_back({std::move(file), {}});
  }

  bool read_on(Log& log) {
    std::array<char, 16384> piece;
    for (;;) {
      const ssize_t size = sys::retry(
          "read the log", [&] { return ::read(log.file.get(), piece.data(), piece.size()); });
      if (size == 0) return false;
      log.rest.append(piece.data(), static_cast<std::size_t>(size));
      if (match(log.rest)) return true;
    }
  }

  /// Takes the whole lines out of `text`.
  bool match(std::string& text) {
    std::size_t from = 0;
    for (std::size_t end = 0; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
      if (pattern_.matches(text.substr(from, end - from))) return true;
    }
    text.erase(0, from);
    if (text.size() < kLongestLine) return false;
    const bool found = pattern_.matches(text);
    text.clear();
    return found;
  }

  job::Pattern pattern_;
  sys::Fd inotify_;
  std::vector<Log> logs_;
};

// --- file ---

class FileProbe final : public Probe {
 public:
  explicit FileProbe(std::string path) : path_{std::move(path)}, before_{look()} {}

  /// It is there, and is not what was there before.
  bool ready() override {
    const Seen now = look();
    return now.there && !(now == before_);
  }

 private:
  struct Seen {
    bool there = false;
    ino_t inode = 0;
    time_t seconds = 0;
    long nanoseconds = 0;
    off_t size = 0;
    bool operator==(const Seen&) const = default;
  };

  Seen look() const {
    struct stat status {};
    if (::stat(path_.c_str(), &status) == -1) return {};
    return {true, status.st_ino, status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size};
  }

  std::string path_;
  Seen before_;
};

// --- cmd ---

/// Runs a line of the shell; when it fails, again after a while.
class CommandProbe final : public Probe {
 public:
  CommandProbe(const std::string& line, const sys::SignalState& signals)
      : null_{sys::open("/dev/null", O_RDWR)},
        command_{.argv = shell_argv(default_shell(), line),
                 .in = null_.get(),
                 .out = null_.get(),
                 .err = null_.get(),
                 .group = Command::Group::Own,
                 .close_others = true,
                 .signals = signals} {}
  ~CommandProbe() override { end(); }
  CommandProbe(const CommandProbe&) = delete;
  CommandProbe& operator=(const CommandProbe&) = delete;

  int fd() const override { return child_ ? child_->pidfd() : -1; }
  sys::Duration pause() const override { return std::chrono::milliseconds{200}; }

  bool ready() override {
    if (!child_) {
      child_.emplace(command_.spawn());
      return false;
    }
    const auto status = child_->try_wait();
    if (!status) return false;
    child_.reset();
    return status->success();
  }

 private:
  /// It may have children of its own, in its group.
  void end() noexcept {
    if (child_ && child_->running()) ::kill(-child_->pid(), SIGKILL);
    child_.reset();
  }

  sys::Fd null_;
  Command command_;
  std::optional<Child> child_;
};

// --- rules ---

[[noreturn]] void refuse(const std::string& text) {
  throw std::invalid_argument("'" + input::printable(text) +
                              "' is none of port:[HOST:]PORT (an address or localhost), "
                              "line:REGEX, file:PATH, cmd:LINE, notify");
}

/// [HOST:]PORT; an IPv6 address may stand in brackets.
ReadyRule parse_port(const std::string& text) {
  const auto colon = text.rfind(':');
  const std::string digits = colon == std::string::npos ? text : text.substr(colon + 1);
  std::string host = colon == std::string::npos ? "localhost" : text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  int port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  const bool number = error == std::errc{} && end == digits.data() + digits.size();
  if (!number || port < 1 || port > 65535) refuse("port:" + text);
  if (host != "localhost" && !address_of(host, port)) refuse("port:" + text);
  return {ReadyRule::Kind::Port, std::move(host), port};
}

}  // namespace

ReadyRule parse_ready(const std::string& text) {
  using Kind = ReadyRule::Kind;
  if (text == "notify") return {.kind = Kind::Notify};
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (rest.empty()) refuse(text);
  if (kind == "port") return parse_port(rest);
  if (kind == "file") return {.kind = Kind::File, .text = rest};
  if (kind == "cmd") return {.kind = Kind::Command, .text = rest};
  if (kind != "line") refuse(text);
  const job::Pattern checked{rest};  // throws where it is no regular expression
  return {.kind = Kind::Line, .text = rest};
}

std::unique_ptr<Probe> make_probe(const ReadyRule& rule, const std::vector<std::string>& logs,
                                  const sys::SignalState& signals) {
  using Kind = ReadyRule::Kind;
  switch (rule.kind) {
    case Kind::Port:
      return std::make_unique<PortProbe>(rule);
    case Kind::Line:
      return std::make_unique<LineProbe>(rule.text, logs);
    case Kind::File:
      return std::make_unique<FileProbe>(rule.text);
    case Kind::Command:
      return std::make_unique<CommandProbe>(rule.text, signals);
    case Kind::Notify:
      break;
  }
  return nullptr;
}

}  // namespace procrun::engine
