// waitpid: as a lesson, waits for one chosen child; as a tool, for any given processes.
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <system_error>
#include <vector>

#include "cmd/lesson.h"
#include "cmd/numbers.h"
#include "cmd/verbs.h"
#include "input/quantity.h"
#include "job/deadlines.h"
#include "process/fork.h"
#include "process/stranger.h"
#include "sys/error.h"
#include "sys/poller.h"

namespace procrun::cmd {
namespace {

struct WaitpidOptions {
  Shared shared;
  Speed speed;
  bool nohang = false;
  bool untraced = false;
  bool continued = false;
  std::optional<sys::Duration> timeout;
};

void add_options(Options& options, WaitpidOptions& waitpid) {
  options.group("The lesson");
  options.declare_for(Options::For::Lesson);
  options.flag("--nohang", "show WNOHANG too: (0, 0) while the child runs", waitpid.nohang);
  options.flag("--untraced", "show WUNTRACED too: a child that is stopped", waitpid.untraced);
  options.flag("--continued", "show WCONTINUED too: a child that goes on", waitpid.continued);
  add_speed(options, waitpid.speed);
  options.declare_for(Options::For::Command);
  options.group("Time");
  options.value("-t,--timeout", "D", "give up after this long (250ms, 1.5s, 2m; 0: never)",
                [&](const std::string& text) {
                  const auto limit = input::parse_duration(text);
                  waitpid.timeout.reset();
                  if (limit.count() != 0) waitpid.timeout = limit;
                });
  add_shared(options, waitpid.shared);
  options.example("procrun waitpid -t 30s 4711 4712");
}

// --- the lesson ---

enum class End { Exit, Kill };

/// A child that announces itself, sleeps and ends.
pid_t child_of_lesson(const Speed& speed, double seconds, End end, int code) {
  const pid_t pid = procrun::fork();
  if (pid != 0) return pid;
  const std::string how = end == End::Exit ? fmt::format("exits with code {}", code)
                                           : std::string{"is killed by signal 9 (KILL)"};
  print_line(fmt::format("child process {} sleeps {}s, then {}", ::getpid(), seconds, how));
  speed.sleep(seconds);
  if (end == End::Kill) ::raise(SIGKILL);
  leave(code);
}

/// A child that stops itself and, when it goes on, does not end before `seen` is closed: of a child
/// that has ended meanwhile waitpid no longer tells that it went on.
pid_t child_that_stops(const Speed& speed, sys::Pipe& seen) {
  const pid_t pid = procrun::fork();
  if (pid != 0) return pid;
  seen.write.reset();
  print_line(fmt::format("child process {} sleeps 0.1s, then stops itself", ::getpid()));
  speed.sleep(0.1);
  ::raise(SIGSTOP);
  char byte = 0;
  sys::retry("wait for the parent", [&] { return ::read(seen.read.get(), &byte, 1); });
  leave(0);
}

std::string options_text(int options) {
  switch (options) {
    case WNOHANG:
      return "WNOHANG";
    case WUNTRACED:
      return "WUNTRACED";
    case WCONTINUED:
      return "WCONTINUED";
    default:
      return "0";
  }
}

/// Calls waitpid and prints what it was asked and what it answered.
void show(pid_t pid, int options, const std::string& remark = {}) {
  const std::string call = fmt::format("waitpid({}, {})", pid, options_text(options));
  try {
    const Waited waited = procrun::waitpid(pid, options);
    const std::string how = waited.pid == 0 ? std::string{"it still runs"} : waited.status.text();
    print_line(
        fmt::format("{} = ({}, {})  {}{}", call, waited.pid, waited.status.raw(), how, remark));
  } catch (const std::system_error& error) {
    if (error.code().value() != ECHILD) throw;
    print_line(fmt::format("{}: ChildProcessError: [Errno {}] {}{}", call, error.code().value(),
                           error.code().message(), remark));
  }
}

void show_stop_and_continue(const WaitpidOptions& options) {
  sys::Pipe seen = sys::make_pipe();
  const pid_t pid = child_that_stops(options.speed, seen);
  if (options.untraced) {
    show(pid, WUNTRACED);
  } else {
    siginfo_t stopped{};  // it must stop before it can go on; nothing of that is shown
    if (::waitid(P_PID, static_cast<id_t>(pid), &stopped, WSTOPPED | WNOWAIT) == -1) return;
  }
  ::kill(pid, SIGCONT);
  if (options.continued) show(pid, WCONTINUED);
  seen.write.reset();
  show(pid, 0);
}

int lesson(const WaitpidOptions& options) {
  print_line(fmt::format("Parent process id {}", ::getpid()));
  const Speed& speed = options.speed;
  child_of_lesson(speed, 0.9, End::Exit, 3);
  const pid_t second = child_of_lesson(speed, 0.6, End::Exit, 0);
  child_of_lesson(speed, 0.3, End::Kill, 0);
  if (options.nohang) show(second, WNOHANG);
  show(second, 0, ": the one that was asked for, not the first to end");
  show(-1, 0, ": whichever has ended");
  show(-::getpgrp(), 0, ": any child in that process group");
  if (options.untraced || options.continued) show_stop_and_continue(options);
  show(0, 0, ": no child in our own process group is left");
  show(::getppid(), 0, ": a process, but not our child");
  return 0;
}

// --- the tool ---

std::vector<Stranger> find_all(const std::vector<std::string>& words, int& missing) {
  std::vector<Stranger> found;
  for (const std::string& word : words) {
    const int pid = [&] {
      try {
        return parse_count(word, 1);
      } catch (const std::invalid_argument&) {
        throw UsageError{"'" + word + "' is not a process id (4711)"};
      }
    }();
    auto stranger = Stranger::find(pid);
    if (!stranger) {
      log_error(fmt::format("wait for process {}: no such process", pid));
      ++missing;
    } else {
      found.push_back(std::move(*stranger));
    }
  }
  return found;
}

/// A parent that reaps does so at once; after this long a zombie is called one.
constexpr auto kReapedSoon = std::chrono::milliseconds{100};

/// How it ended, in words; waits a little for it to be reaped, since only then it can be known.
std::string ending(Stranger& stranger) {
  const auto deadline = sys::Clock::now() + kReapedSoon;
  auto status = stranger.status();
  if (!status) {
    pollfd reaped{.fd = stranger.pidfd(), .events = 0, .revents = 0};  // POLLHUP is always told
    sys::poll_until({&reaped, 1}, deadline);
    status = stranger.status();
  }
  if (status) return fmt::format("{} {}", stranger.pid(), status->text());
  if (const auto zombie = stranger.as_zombie()) {
    const auto parent = sys::process_stat(zombie->ppid);
    return fmt::format("{} is a zombie: its parent {} ({}) has not reaped it", stranger.pid(),
                       zombie->ppid, parent ? parent->name : "gone");
  }
  return fmt::format("{} has ended; how, this kernel does not tell (Linux 6.15 does)",
                     stranger.pid());
}

int watch(const std::vector<std::string>& words, const WaitpidOptions& options) {
  int missing = 0;
  std::vector<Stranger> strangers = find_all(words, missing);
  const sys::Deadline deadline =
      options.timeout ? sys::Deadline{job::after(sys::Clock::now(), *options.timeout)}
                      : std::nullopt;
  sys::Poller poller;
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    poller.add(strangers[i].pidfd(), EPOLLIN | EPOLLONESHOT, i);
  }
  for (std::size_t left = strangers.size(); left > 0;) {
    const auto ready = poller.wait(deadline);
    if (ready.empty()) {
      log_error(fmt::format("timed out: {} of {} still there", left, strangers.size()));
      return 124;
    }
    for (const auto& one : ready) {
      const std::string text = ending(strangers[one.id]);
      if (tells_story(options.shared)) tell(text);
      --left;
    }
  }
  return missing == 0 ? 0 : 127;
}

}  // namespace

int run_waitpid(const std::vector<std::string>& words, const Given&) {
  WaitpidOptions waitpid;
  Options options{"waitpid [OPTIONS] [PID]...",
                  "Waits until the given processes have ended, children or not, and tells how.\n"
                  "Without PID: a parent that waits for one chosen child."};
  add_options(options, waitpid);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(waitpid.shared);
  if (!has_command(options, rest, "PID")) return lesson(waitpid);
  return watch(rest.command, waitpid);
}

}  // namespace procrun::cmd
