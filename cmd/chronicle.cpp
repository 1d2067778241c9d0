#include "cmd/chronicle.h"

#include <unistd.h>

#include "cmd/events.h"
#include "sys/proc.h"
#include "sys/signals.h"

namespace procrun::cmd {

using event::Type;

Chronicle::Chronicle() : owner_{::getpid()} {}

Chronicle::Chronicle(const std::string& events, const TimelineOptions& timeline,
                     const Shared& shared, const std::string& verb)
    : owner_{::getpid()},
      events_{open_events(events, job::Policy{})},
      picture_{make_lesson_picture(timeline, shared, "procrun " + verb)} {
  if (events_) bus_.add(*events_);
  if (picture_) bus_.add(*picture_);
}

void Chronicle::begin() const { emit({.type = Type::RunStart, .pid = ::getpid()}); }

void Chronicle::end() const { emit({.type = Type::RunEnd, .text = "the lesson is over"}); }

void Chronicle::break_off(int signal) const {
  emit({.type = Type::RunEnd, .text = "told to end by signal " + sys::signal_name(signal)});
}

void Chronicle::forked(pid_t pid, pid_t parent, const std::string& role,
                       sys::Clock::time_point since) {
  roles_[pid] = role;
  emit({.type = Type::Fork, .at = since, .pid = pid, .ppid = parent, .text = role});
}

void Chronicle::worker_forked(unsigned slot, pid_t pid, sys::Clock::time_point since) {
  roles_[pid] = "worker";
  emit({.type = Type::Fork,
        .at = since,
        .pid = pid,
        .ppid = ::getpid(),
        .status = static_cast<int>(slot) + 1,
        .text = "worker"});
}

void Chronicle::executed(pid_t pid) const {
  emit({.type = Type::Exec, .pid = pid, .ppid = ::getpid()});
}

void Chronicle::stopped(pid_t pid, ExitStatus status) const {
  emit({.type = Type::Stopped, .pid = pid, .status = status.raw()});
}

void Chronicle::continued(pid_t pid) const { emit({.type = Type::Continued, .pid = pid}); }

void Chronicle::zombie(pid_t pid, pid_t parent) const {
  emit({.type = Type::Zombie, .pid = pid, .ppid = parent, .text = role_of(pid)});
}

void Chronicle::adopted(pid_t pid, pid_t adopter) const {
  const auto status = sys::process_status(adopter);
  emit({.type = Type::Orphan,
        .pid = pid,
        .ppid = adopter,
        .text = status ? status->name : "[not in /proc]"});
}

void Chronicle::reaped(pid_t pid, ExitStatus status) const {
  emit({.type = Type::Reap, .pid = pid, .status = status.raw(), .text = role_of(pid)});
}

void Chronicle::emit(const event::Event& event) const {
  if (::getpid() == owner_) bus_.emit(event);
}

std::string Chronicle::role_of(pid_t pid) const {
  const auto role = roles_.find(pid);
  return role == roles_.end() ? "process" : role->second;
}

}  // namespace procrun::cmd
