// waitpid: as a lesson, waits for one chosen child; as a tool, for any given processes.
#include <fmt/core.h>

#include <stdexcept>
#include <vector>

#include "cmd/numbers.h"
#include "cmd/verbs.h"
#include "cmd/waitpid_lesson.h"
#include "input/quantity.h"
#include "job/deadlines.h"
#include "process/stranger.h"
#include "sys/poller.h"

namespace procrun::cmd {
namespace {

struct WaitpidOptions {
  Shared shared;
  WaitpidLesson lesson;
  std::optional<sys::Duration> timeout;
};

void add_options(Options& options, WaitpidOptions& waitpid) {
  add_waitpid_lesson(options, waitpid.lesson);
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
  if (!has_command(options, rest, "PID")) {
    return play_without_inherited(
        [&] { return run_waitpid_lesson(waitpid.lesson, waitpid.shared); });
  }
  return watch(rest.command, waitpid);
}

}  // namespace procrun::cmd
