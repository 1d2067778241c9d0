#include "cmd/sighting.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "process/fork.h"

namespace procrun::cmd {
namespace {

/// Most reap at once, some look only every second or two; after this long he is said not to reap.
constexpr auto kReapsWithin = std::chrono::seconds{5};
/// How often the watcher looks, where the kernel does not tell of the reaping (before Linux 6.9).
constexpr auto kGlance = std::chrono::milliseconds{20};

std::string list_of(const std::vector<Watcher>& processes) {
  constexpr std::size_t kMostListed = 5;
  if (processes.size() > kMostListed) return fmt::format("all {}", processes.size());
  std::string text;
  for (const Watcher& process : processes) {
    if (!text.empty()) text += &process == &processes.back() ? " and " : ", ";
    text += fmt::format("{}", process.pid());
  }
  return text;
}

const char* is_or_are(const std::vector<Watcher>& processes) {
  return processes.size() == 1 ? "is" : "are";
}

std::string parent_text(const Sight& sight) {
  if (!sight.ppid) return "its parent is not told";
  if (*sight.ppid == 0) return "parent 0: one that our pid namespace does not show";
  return "parent " + named(*sight.ppid);
}

std::size_t count_reaped(const std::vector<Watcher>& dead) {
  return static_cast<std::size_t>(
      std::count_if(dead.begin(), dead.end(), [](const auto& one) { return one.is_reaped(); }));
}

void wait_for_reaping(Stage& stage, const std::vector<Watcher>& dead) {
  const auto deadline = sys::Clock::now() + kReapsWithin;
  for (const Watcher& one : dead) {
    while (!one.is_reaped() && sys::Clock::now() < deadline) {
      stage.wait(one.pidfd(), 0, sys::earlier(deadline, sys::Clock::now() + kGlance));
    }
  }
}

/// Whom orphans get here, as one shows that is made for it. Only where orphans are known to be
/// reaped: it would stay.
std::optional<pid_t> ask_for_adopter(EndingSignals& signals) {
  Chronicle nobody_listens;
  Stage stage{false, nobody_listens, signals};
  Cue& alone = stage.cue();
  stage.start([&] {
    if (procrun::fork() != 0) return;
    if (alone.await() == Cue::Heard::Given) stage.tell(::getppid());
  });
  stage.join();
  alone.give();
  return stage.hear();
}

/// "exited with code 0" of the one, or "2 of 3 exited with code 0"… of all, where the kernel tells.
std::string endings(const std::vector<Watcher>& dead) {
  const auto status = dead.front().status();
  if (!status) return "how it ended only its parent was told (others from Linux 6.15 on)";
  const bool same = std::all_of(dead.begin(), dead.end(),
                                [&](const auto& one) { return one.status() == status; });
  return same ? status->text() : "with different ends";
}

void tell_reaped(Stage& stage, const std::vector<Watcher>& dead, std::optional<pid_t> adopter) {
  const std::string whom = fmt::format("watcher: {} {} reaped", list_of(dead), is_or_are(dead));
  if (adopter) {
    stage.say(fmt::format("{} by {}: {}", whom, named(*adopter), endings(dead)));
    return;
  }
  stage.say(fmt::format("{} before the watcher could see by whom: {}", whom, endings(dead)));
  if (const auto other = ask_for_adopter(stage.signals())) {
    stage.say(fmt::format("watcher: orphans are adopted by {} here, as another one shows",
                          named(*other)));
  }
}

void tell_not_reaped(Stage& stage, const std::vector<Watcher>& dead) {
  const auto left =
      std::find_if(dead.begin(), dead.end(), [](const auto& one) { return !one.is_reaped(); });
  if (left == dead.end()) return;
  const auto sight = left->look();
  if (sight.reaped) return;
  const std::string parent = sight.ppid ? named(*sight.ppid) : "its parent";
  stage.say("watcher: " + described(*left));
  stage.say(
      fmt::format("watcher: {} does not reap what it adopts: {} of {} not reaped after 5s; "
                  "such a zombie stays until {} ends",
                  parent, dead.size() - count_reaped(dead), dead.size(), parent));
  stage.explain(
      {"Whoever adopts an orphan is its parent now, and has to wait for it as any parent.",
       "This one does not, so the entries stay and fill the table of processes.",
       "In a container the cure is an init that reaps: `procrun wait`, `docker run --init`."});
}

}  // namespace

std::string named(pid_t pid) {
  const bool is_us = pid == ::getpid();
  const auto status = sys::process_status(pid);
  if (!status) return fmt::format("{} ({})", pid, is_us ? "the watcher" : "/proc does not name it");
  return fmt::format("{} ({}{})", pid, status->name, is_us ? ", the watcher" : "");
}

std::string described(const Watcher& process) {
  const Sight sight = process.look();
  if (sight.reaped) return fmt::format("{} is no more: it was reaped", process.pid());
  if (!sight.status) {
    return fmt::format("{}: {}, {}; /proc does not show it here", process.pid(),
                       sight.ended ? "has ended and is not reaped: a zombie" : "runs",
                       parent_text(sight));
  }
  const std::string& resident = sight.status->resident;
  return fmt::format("{} ({}): state {}, {}, {}", process.pid(), sight.status->name,
                     sight.status->state, parent_text(sight),
                     resident.empty() ? "no VmRSS: its memory is gone" : "VmRSS " + resident);
}

std::string ended_text(const ExitStatus& status) { return "has ended: " + status.text(); }

std::optional<pid_t> tell_adoption(Stage& stage, const std::vector<Watcher>& orphans) {
  for (const Watcher& orphan : orphans) {
    const Sight sight = orphan.look();
    if (sight.reaped || !sight.ppid) continue;
    stage.say(fmt::format("watcher: {} {} adopted by {}", list_of(orphans), is_or_are(orphans),
                          named(*sight.ppid)));
    // Those of one parent all get the same new one (forget_original_parent() in the kernel).
    for (const Watcher& one : orphans) stage.chronicle().adopted(one.pid(), *sight.ppid);
    return sight.ppid;
  }
  return std::nullopt;
}

void tell_reaping(Stage& stage, const std::vector<Watcher>& dead, std::optional<pid_t> adopter) {
  if (adopter == ::getpid()) {
    // We are the init or the subreaper here, and do what is its duty.
    for (const Watcher& one : dead) {
      stage.wait(one.pidfd(), POLLIN);
      procrun::waitpid(one.pid());
    }
  }
  wait_for_reaping(stage, dead);
  for (const Watcher& one : dead) {
    if (const auto status = one.status()) stage.chronicle().reaped(one.pid(), *status);
  }
  if (count_reaped(dead) == dead.size()) {
    tell_reaped(stage, dead, adopter);
  } else {
    tell_not_reaped(stage, dead);
  }
}

}  // namespace procrun::cmd
