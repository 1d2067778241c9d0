#include "bench/contender.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <stdexcept>

#include "bench/machine.h"
#include "bench/memory.h"
#include "sys/error.h"
#include "sys/fd.h"
#include "sys/pidfd.h"

namespace procrun::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Streams {
  int in;
  int out;
  int err;
};

// Not with the library: it is what is measured. Not inlined: nothing of the caller's frame may
// change between vfork and exec.
[[gnu::noinline]] pid_t start(const char* program, char* const* argv, const Streams& streams) {
  const pid_t pid = ::vfork();
  if (pid == 0) {
    if (::dup2(streams.in, 0) == 0 && ::dup2(streams.out, 1) == 1 &&
        (streams.err == 2 || ::dup2(streams.err, 2) == 2)) {
      ::execve(program, argv, environ);
    }
    ::_exit(127);
  }
  if (pid == -1) sys::fail("vfork");
  return pid;
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (const auto& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// What a run leaves to be done while it lasts: to empty its pipe, and to look at its memory.
class Attendant {
 public:
  Attendant(const Contender& contender, pid_t pid, int output)
      : contender_{contender}, pid_{pid}, output_{output} {}

  // Until the end of the output, or the end of the process where its memory is watched; returns at
  // once where there is nothing to do.
  void attend() {
    if (output_ == -1 && contender_.watch.count() == 0) return;
    const auto life = sys::open_pidfd(pid_);
    pollfd source{output_ == -1 ? life.value().get() : output_, POLLIN, 0};
    for (auto due = Clock::now();;) {
      if (contender_.watch.count() > 0 && Clock::now() >= due) {
        memory.push_back(pss_mib_of(pid_));
        due = Clock::now() + contender_.watch;
      }
      const int limit =
          contender_.watch.count() > 0 ? static_cast<int>(contender_.watch.count()) : -1;
      if (sys::retry("poll", [&] { return ::poll(&source, 1, limit); }) == 0) continue;
      if (output_ == -1 || !take_in()) return;
    }
  }

  std::vector<double> memory;
  long long bytes = 0;
  std::string text;

 private:
  bool take_in() {
    static std::array<char, 262144> buffer;
    const auto size =
        sys::retry("read", [&] { return ::read(output_, buffer.data(), buffer.size()); });
    bytes += size;
    if (contender_.sink == Sink::Seconds)
      text.append(buffer.data(), static_cast<std::size_t>(size));
    return size > 0;
  }

  const Contender& contender_;
  pid_t pid_;
  int output_;
};

// Throws where it did not end well, or did not write all that it should have.
void check(const Contender& contender, int status, const Attendant& attendant) {
  if (WIFSIGNALED(status)) {
    throw std::runtime_error{
        fmt::format("{}: killed by signal {}", contender.name, WTERMSIG(status))};
  }
  if (WEXITSTATUS(status) != 0) {
    throw std::runtime_error{
        fmt::format("{}: exited with {}", contender.name, WEXITSTATUS(status))};
  }
  const long long expected = contender.job_bytes * contender.jobs;
  if (contender.sink == Sink::Pipe && attendant.bytes != expected) {
    throw std::runtime_error{
        fmt::format("{}: wrote {} bytes instead of {}", contender.name, attendant.bytes, expected)};
  }
}

double told_seconds(const Contender& contender, const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || seconds <= 0) {
    throw std::runtime_error{fmt::format("{}: printed no time", contender.name)};
  }
  return seconds;
}

}  // namespace

std::optional<std::string> find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return name;
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const auto end = rest.find(':');
    auto candidate = rest.substr(0, end) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    rest = end == std::string::npos ? "" : rest.substr(end + 1);
  }
  return std::nullopt;
}

Run run(const Contender& contender) {
  const auto program = find_program(contender.argv.at(0));
  if (!program) throw std::runtime_error{fmt::format("{}: not found", contender.argv.at(0))};
  const auto argv = pointers_to(contender.argv);
  sys::Pipe pipe = contender.sink == Sink::Null ? sys::Pipe{} : sys::make_pipe();
  const auto in = sys::open(contender.input, O_RDONLY);
  auto out =
      contender.sink == Sink::Null ? sys::open("/dev/null", O_WRONLY) : std::move(pipe.write);
  const auto err = contender.errors.empty()
                       ? sys::Fd{}
                       : sys::open(contender.errors, O_WRONLY | O_CREAT | O_TRUNC);

  const auto begin = Clock::now();
  const pid_t pid =
      start(program->c_str(), argv.data(), {in.get(), out.get(), err ? err.get() : 2});
  if (contender.sink != Sink::Null) out.reset();  // or its end would never come
  Attendant attendant{contender, pid, contender.sink == Sink::Null ? -1 : pipe.read.get()};
  attendant.attend();
  int status = 0;
  rusage used{};
  sys::retry("wait4", [&] { return ::wait4(pid, &status, 0, &used); });
  const double seconds = seconds_since(begin);
  check(contender, status, attendant);
  return {contender.sink == Sink::Seconds ? told_seconds(contender, attendant.text) : seconds,
          cpu_seconds(used), std::move(attendant.memory)};
}

}  // namespace procrun::bench
