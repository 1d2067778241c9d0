#include "report/timeline.h"

#include <fmt/core.h>
#include <sys/wait.h>

#include <algorithm>
#include <string_view>

#include "input/shell.h"
#include "report/text_width.h"
#include "report/time_axis.h"
#include "sys/signals.h"

namespace procrun::report {
namespace {

using event::Event;
using event::Type;

/// More columns of a name nobody reads in a picture.
constexpr std::size_t kLongestName = 48;

/// On one line, and without the brackets of one that had no arguments left.
std::string name_of(std::string_view text) {
  if (text.size() > 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  const std::string name = input::printable(text.substr(0, 4 * kLongestName));
  return columns_of(name) > kLongestName ? fitted(name, kLongestName, "…") : name;
}

std::string end_text(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), short_end(status));
  }
  return fmt::format("exited with code {}", WEXITSTATUS(status));
}

void add_part(std::string& story, const std::string& part) {
  if (!part.empty()) story += (story.empty() ? "" : ", ") + part;
}

/// How the story of a life ends; `came_late`: it was over when it was first looked at. Empty: with
/// the run's.
template <class When>
std::string last_words(const Life& life, bool came_late, When when) {
  if (life.reaped) {
    const std::string by = came_late ? "before it could be watched" : "after " + when(*life.reaped);
    if (!life.status) return fmt::format("ended {}, how is not known", by);
    return fmt::format("{} and reaped {}", end_text(*life.status), by);
  }
  if (life.left && life.status) {
    return fmt::format("{} and not reaped by {}", end_text(*life.status), when(*life.left));
  }
  if (life.left) return "watched until " + when(*life.left);
  return life.is_unfinished() ? "its end was not seen" : "";
}

}  // namespace

std::string short_end(int status) {
  if (WIFSIGNALED(status)) return sys::signal_name(WTERMSIG(status));
  return std::to_string(WEXITSTATUS(status));
}

std::string story_of(const History& history, const Life& life) {
  const auto when = [&](Moment moment) { return duration_text(moment - history.began); };
  const auto pid_of = [&](std::int32_t place) {
    return history.lives[static_cast<std::size_t>(place)].pid;
  };
  std::string story;
  if (life.is_outsider) return "not of this run: it adopted an orphan";
  if (life.is_born && life.parent != Life::kNobody) {
    add_part(story, fmt::format("made by {} after {}", pid_of(life.parent), when(life.from)));
  }
  const bool came_late = life.is_watched && life.reaped == life.from;
  if (life.is_watched && !came_late) {
    add_part(story, fmt::format("watched from {} on", when(life.from)));
  }
  if (life.exec) add_part(story, "exec after " + when(*life.exec));
  for (const auto& change : life.changes) {
    constexpr const char* kNames[]{"continued", "stopped", "a zombie"};
    add_part(story,
             fmt::format("{} after {}", kNames[static_cast<int>(change.state)], when(change.at)));
  }
  if (life.adopted && life.adopter != Life::kNobody) {
    add_part(story,
             fmt::format("adopted by {} after {}", pid_of(life.adopter), when(*life.adopted)));
  }
  add_part(story, last_words(life, came_late, when));
  return story.empty() ? "it runs this" : story;
}

void Timeline::take(const Event& event) {
  if (history_.lives.empty()) history_.began = history_.ended = event.at;
  // What is told late may have happened before what was told first.
  history_.ended = std::max(history_.ended, event.at);
  switch (event.type) {
    case Type::RunStart:
      return begin(event);
    case Type::JobGiven:
      jobs_[event.seq] = {event.record->slot, name_of(event.record->name)};
      return;
    case Type::JobReturned:
    case Type::JobEnd:
    case Type::JobFailed:
      jobs_.erase(event.seq);
      return;
    case Type::Fork:
      living_.erase(event.pid);  // the number's last owner has ended unseen
      if (Life* const life = add(event)) life->is_born = true;
      return;
    case Type::Exec:
      if (Life* const life = observe(event)) life->exec = event.at;
      return;
    case Type::Stopped:
      return change(event, Life::State::Stopped);
    case Type::Continued:
      return change(event, Life::State::Running);
    case Type::Zombie:
      return change(event, Life::State::Zombie);
    case Type::Orphan:
      return adopt(event);
    case Type::Leak:
      observe(event);
      return;
    case Type::Exit:
    case Type::Reap:
      return end(event);
    case Type::Watched:
      return watch(event);
    case Type::Ended:
      return end_watched(event);
    case Type::Unwatched:
      return leave(event);
    default:
      return;
  }
}

void Timeline::begin(const Event& event) {
  if (Life* const life = add(event)) {
    life->name = event.text.empty() ? "procrun" : name_of(event.text);
  }
}

std::int32_t Timeline::place_of(pid_t pid) const {
  const auto found = living_.find(pid);
  return found == living_.end() ? Life::kNobody : found->second;
}

Life* Timeline::living(pid_t pid) {
  const auto place = place_of(pid);
  return place == Life::kNobody ? nullptr : &history_.lives[static_cast<std::size_t>(place)];
}

/// A life that begins with this event; null where there are too many.
Life* Timeline::add(const Event& event) {
  if (history_.lives.size() >= kMostLives) {
    if (event.type == Type::Fork || event.type == Type::Watched) ++history_.left_out;
    return nullptr;
  }
  Life life;
  life.pid = event.pid;
  life.from = event.at;
  life.parent = place_of(event.ppid);
  const auto job = jobs_.find(event.seq);
  const bool is_command = event.type == Type::Fork || event.type == Type::Exec;
  if (is_command && event.seq == 0) {
    life.slot = static_cast<std::uint32_t>(event.status);
    life.name = name_of(event.text);
  } else if (is_command && job != jobs_.end()) {
    life.slot = job->second.slot;
    life.name = job->second.name;
  }
  history_.lives.push_back(std::move(life));
  living_[event.pid] = static_cast<std::int32_t>(history_.lives.size() - 1);
  return &history_.lives.back();
}

/// The life that the event speaks of, which may be one that nobody has told of.
Life* Timeline::observe(const Event& event) {
  Life* life = living(event.pid);
  if (life == nullptr) life = add(event);
  const bool names_it =
      event.type == Type::Leak || event.type == Type::Reap || event.type == Type::Zombie;
  if (life != nullptr && life->name.empty() && names_it) life->name = name_of(event.text);
  return life;
}

void Timeline::change(const Event& event, Life::State state) {
  Life* const life = observe(event);
  if (life == nullptr || life->changes.size() >= kMostChanges) return;
  life->changes.push_back({event.at, state});
}

/// The kernel gives the number to somebody else from now on.
void Timeline::end(const Event& event) {
  Life* const life = observe(event);
  if (life == nullptr) return;
  life->status = event.status;
  life->reaped = event.at;
  living_.erase(event.pid);
}

void Timeline::adopt(const Event& event) {
  if (place_of(event.ppid) == Life::kNobody) {
    Life* const adopter = add({.type = event.type, .at = event.at, .pid = event.ppid});
    if (adopter == nullptr) return;
    adopter->is_outsider = true;
    adopter->name = name_of(event.text);
  }
  Life* life = living(event.pid);
  if (life == nullptr) {
    life = add({.type = event.type, .at = event.at, .pid = event.pid});  // by whom is not told
  }
  if (life == nullptr) return;
  life->adopted = event.at;
  life->adopter = place_of(event.ppid);
}

void Timeline::watch(const Event& event) {
  living_.erase(event.pid);
  Life* const life = add(event);
  if (life == nullptr) return;
  life->is_watched = true;
  life->name = name_of(event.text);
}

void Timeline::end_watched(const Event& event) {
  Life* life = living(event.pid);
  if (life == nullptr) life = add(event);  // it had ended when we came
  if (life == nullptr) return;
  life->is_watched = true;
  if (event.status != event::kUnknownEnd) life->status = event.status;
  (event.reaped ? life->reaped : life->left) = event.at;
  living_.erase(event.pid);
}

void Timeline::leave(const Event& event) {
  if (Life* const life = living(event.pid)) life->left = event.at;
  living_.erase(event.pid);
}

}  // namespace procrun::report
