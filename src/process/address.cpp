#include "process/address.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <stdexcept>

#include "sys/error.h"

namespace procrun {
namespace {

/// So often a pidfile may change under our eyes.
constexpr int kMostReadings = 16;

template <class Number>
std::optional<Number> parse_whole(std::string_view text) {
  Number number{};
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

/// The first line, without blanks at its end; empty where there is no such file.
std::optional<std::string> first_line(const std::string& path) {
  // Not to wait for the writer of a fifo.
  const sys::Fd file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!file) sys::fail("open " + path);
  char text[256];
  const auto size = static_cast<std::size_t>(
      sys::retry("read " + path, [&] { return ::read(file.get(), text, sizeof text); }));
  std::string line{text, size};
  line.resize(std::min(line.find('\n'), line.size()));
  while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) line.pop_back();
  return line;
}

Address address_in(const std::string& path, const std::string& line) {
  try {
    return Address::parse(line);
  } catch (const std::invalid_argument& error) {
    throw std::runtime_error(path + " is not a pidfile: " + error.what());
  }
}

}  // namespace

Address Address::parse(std::string_view text) {
  const auto mark = text.find_first_of(":@");
  const auto pid = parse_whole<pid_t>(text.substr(0, mark));
  Address address{.pid = pid.value_or(0)};
  bool right = pid && *pid > 0;
  if (mark != std::string_view::npos) {
    const auto number = parse_whole<std::uint64_t>(text.substr(mark + 1));
    (text[mark] == ':' ? address.inode : address.start_time) = number;
    right = right && number;
  }
  if (right) return address;
  throw std::invalid_argument("'" + std::string{text} +
                              "' is not a process id (4711, 4711:INODE, 4711@STARTTIME)");
}

std::optional<Stranger> find(const Address& address) {
  auto found = Stranger::find(address.pid);
  if (!found) return std::nullopt;
  if (address.inode) {
    const auto inode = found->inode();
    if (!inode) {
      throw std::runtime_error(
          "this kernel's pidfds have no inodes of their own (Linux 6.9): "
          "give PID@STARTTIME");
    }
    if (inode != address.inode) return std::nullopt;
  }
  if (address.start_time) {
    if (!sys::proc_is_ours()) {
      throw std::runtime_error("a start time can only be compared where /proc shows our processes");
    }
    const auto stat = found->stat();
    if (!stat || stat->start_time != *address.start_time) return std::nullopt;
  }
  return found;
}

FoundByFile find_by_pidfile(const std::string& path) {
  for (int readings = 0; readings < kMostReadings; ++readings) {
    const auto line = first_line(path);
    if (!line) return {.why_not = "no such file"};
    if (line->empty()) return {.why_not = "it is empty"};
    auto found = find(address_in(path, *line));
    if (first_line(path) != line) continue;
    if (!found) return {.why_not = "no such process: " + *line};
    return {.process = std::move(found)};
  }
  throw std::runtime_error("read " + path + ": it does not stop changing");
}

}  // namespace procrun
