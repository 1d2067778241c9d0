#include "engine/lookout.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "job/deadlines.h"
#include "sys/proc.h"

namespace procrun::engine {
namespace {

using namespace std::chrono_literals;
using What = Sighting::What;

/// A parent that reaps does so at once; after this long a zombie is called one.
constexpr auto kReapedSoon = 100ms;
/// Between two looks at what the kernel does not tell: at least, and at most.
constexpr sys::Duration kLookSoonest = 200ms;
constexpr sys::Duration kLookLatest = 5s;
/// How much longer than a look took it is waited for the next: looking at states, with the wake-up
/// for it, takes less than 10 ms a minute where kLookLatest allows; who has forked is looked for
/// while they still live.
constexpr int kStatesShare = 6000;
constexpr int kArrivalsShare = 200;
/// How long it is waited for those that have been sent the last signal of a plan.
constexpr auto kKilledAtMost = 5s;
/// No process has that id.
constexpr std::uint64_t kListened = UINT64_MAX;

bool has_passed(const sys::Deadline& deadline) {
  return deadline && *deadline <= sys::Clock::now();
}

Who who_is(const Stranger& who, const std::optional<sys::ProcessStat>& stat) {
  Who identity{.pid = who.pid(), .inode = who.inode()};
  if (!stat) return identity;
  identity.name = stat->name;
  identity.start_time = stat->start_time;
  return identity;
}

}  // namespace

Lookout::Lookout(Goal goal, Tell tell) : goal_{goal}, tell_{std::move(tell)} {
  const bool asks = goal_.until == Until::Stopped || goal_.until == Until::Continued;
  if (asks && !sys::proc_is_ours()) {
    throw std::runtime_error("who is stopped is only known where /proc shows our processes");
  }
  if (goal_.tells_states) goal_.tells_states = sys::proc_is_ours();
}

void Lookout::listen(int fd, Hear hear) {
  poller_.add(fd, EPOLLIN, kListened);
  hear_ = std::move(hear);
}

void Lookout::add(Stranger who, std::size_t place) {
  const std::uint64_t id = next_id_++;
  poller_.add(who.pidfd(), EPOLLIN | EPOLLONESHOT, id);
  const auto stat = who.stat();
  Who identity = who_is(who, stat);
  if (!identity.inode) goal_.kernel_tells_reaping = false;
  const bool again = !known_.insert(who.pid()).second;
  const Watched& one =
      watched_.emplace(id, Watched{std::move(who), std::move(identity), place, again})
          .first->second;
  Sighting sighting = sighting_of(one, What::Found);
  if (stat) sighting.parent = stat->ppid;
  tell_(sighting);
}

bool Lookout::over() const { return watched_.empty() || (count_ != 0 && met_ >= count_); }

Lookout::End Lookout::run(std::size_t count) {
  count_ = count;
  look();
  while (!over()) {
    if (step(goal_.deadline) || !has_passed(goal_.deadline)) continue;
    settle_ended();
    if (!over()) return End::TimedOut;
  }
  return End::Done;
}

sys::Deadline Lookout::next_due() const {
  return graces_.empty() ? next_look_ : sys::earlier(next_look_, graces_.front().end);
}

/// One wait, and what it brings; false where nothing has happened.
bool Lookout::step(const sys::Deadline& deadline) {
  const auto ready = poller_.wait(sys::earlier(deadline, next_due()));
  for (const auto& one : ready) {
    if (one.id == kListened) {
      hear_();
    } else if (!over()) {
      take(one.id, (one.events & EPOLLHUP) != 0);
    }
  }
  const auto now = sys::Clock::now();
  while (!graces_.empty() && graces_.front().end <= now && !over()) {
    const auto id = graces_.front().id;
    graces_.pop_front();
    settle(id);
  }
  const bool news = !ready.empty();
  if (some_gone_ || has_passed(next_look_)) look();
  return news;
}

/// It has ended. Nobody is told of it before it is reaped or for some time is not.
void Lookout::take(std::uint64_t id, bool reaped) {
  const auto found = watched_.find(id);
  if (found == watched_.end()) return;
  Watched& one = found->second;
  if (!std::exchange(one.ended, true)) one.ended_at = sys::Clock::now();
  some_gone_ = true;
  one.who.status();  // reaps it if it is ours, and keeps what can only be known before the reaping
  if (reaped || one.who.is_reaped()) return settle(id);
  poller_.change(one.who.pidfd(), EPOLLONESHOT, id);  // POLLHUP is told unasked
  graces_.push_back({sys::Clock::now() + kReapedSoon, id});
}

/// Tells of one that has ended, if that has not been done; of one whose reaping is waited for only
/// that it is a zombie.
void Lookout::settle(std::uint64_t id) {
  const auto one = watched_.find(id);
  if (one == watched_.end()) return;
  if (goal_.until == Until::Reaped && !one->second.who.is_reaped()) {
    Sighting sighting = sighting_of(one->second, What::Zombie);
    see_end(sighting, one->second);
    return tell_zombie(std::move(sighting), one->second);
  }
  const bool awaited = goal_.until == Until::Exit || goal_.until == Until::Reaped;
  tell(one, What::Ended, awaited);
}

/// Without further patience. Where the reaping is waited for, only the end is no reason to tell.
void Lookout::settle_ended() {
  while (!graces_.empty() && !over()) {
    const auto id = graces_.front().id;
    graces_.pop_front();
    settle(id);
  }
}

Sighting Lookout::sighting_of(const Watched& one, What what) {
  return {.what = what,
          .who = one.identity,
          .place = one.place,
          .again = one.again,
          .was_stopped = one.was_stopped};
}

/// What can be said of one that has ended.
void Lookout::see_end(Sighting& sighting, Watched& one) {
  sighting.status = one.who.status();
  const auto zombie = one.who.as_zombie();
  sighting.what = zombie ? What::Zombie : What::Ended;
  const auto parent = zombie ? sys::process_stat(zombie->ppid) : std::nullopt;
  if (zombie) sighting.parent = zombie->ppid;
  if (parent) sighting.parent_name = parent->name;
}

/// On the way, if it is one and that has not been told.
void Lookout::tell_zombie(Sighting sighting, Watched& one) {
  if (sighting.what != What::Zombie || std::exchange(one.zombie_told, true)) return;
  sighting.at = one.ended_at;
  tell_(sighting);
}

void Lookout::tell_change(Watched& one, bool stopped) {
  if (std::exchange(one.is_stopped, stopped) == stopped) return;
  tell_(sighting_of(one, stopped ? What::Stopped : What::Continued));
}

/// Tells of it and forgets it; returns the next one.
Lookout::All::iterator Lookout::tell(All::iterator at, What what, bool awaited) {
  Watched& one = at->second;
  Sighting sighting = sighting_of(one, what);
  if (what == What::Running && !one.ended && one.who.has_ended()) {
    one.ended = true;
    one.ended_at = sighting.at;
  }
  if (one.ended) {
    see_end(sighting, one);
    tell_zombie(sighting, one);
    // Who was reaped at once has ended then; of a zombie the reaping is news of its own.
    if (!one.zombie_told) sighting.at = one.ended_at;
  }
  sighting.is_last = true;
  sighting.awaited = awaited;
  if (awaited) ++met_;
  if (!one.again) known_.erase(one.who.pid());
  poller_.remove(one.who.pidfd());
  some_gone_ = true;
  const auto next = watched_.erase(at);
  tell_(sighting);
  return next;
}

/// All that no descriptor tells. The more a look costs, the longer it is until the next.
void Lookout::look() {
  const auto begin = sys::cpu_time();
  const bool arrivals = look_for_arrivals(std::exchange(some_gone_, false));
  const auto middle = sys::cpu_time();
  const bool reaping = goal_.until == Until::Reaped && !goal_.kernel_tells_reaping;
  if (wants_states()) look_at_states();
  if (reaping) look_at_reaping();
  const auto end = sys::cpu_time();
  const auto since = looked_ == sys::Duration::zero() || arrivals ? middle : looked_;
  looked_ = end;
  next_look_.reset();
  if (!wants_looks()) return;
  auto pause = (end - since) * kStatesShare;
  if (arrivals) pause = std::max(pause, (middle - begin) * kArrivalsShare);
  next_look_ = sys::Clock::now() + std::clamp(pause, kLookSoonest, kLookLatest);
}

bool Lookout::wants_states() const {
  return goal_.until == Until::Stopped || goal_.until == Until::Continued || goal_.tells_states;
}

/// Whether there is something that has to be asked for again and again.
bool Lookout::wants_looks() const {
  if (wants_states()) return true;
  const bool reaping = goal_.until == Until::Reaped && !goal_.kernel_tells_reaping &&
                       std::any_of(watched_.begin(), watched_.end(),
                                   [](const auto& one) { return one.second.ended; });
  return reaping || std::any_of(crowds_.begin(), crowds_.end(),
                                [](const Crowd& crowd) { return crowd.wants_looks(); });
}

/// Whether it had to look: not while nobody has forked and nobody is gone.
bool Lookout::look_for_arrivals(bool some_gone) {
  if (crowds_.empty()) return false;
  const pid_t newest = sys::newest_number();
  if (!some_gone && newest != 0 && newest == newest_) return false;
  newest_ = newest;
  for (Crowd& crowd : crowds_) {
    for (Stranger& who : crowd.arrivals()) add(std::move(who), kNoPlace);
  }
  return true;
}

void Lookout::look_at_states() {
  for (auto one = watched_.begin(); one != watched_.end() && !over();) {
    const auto stat = one->second.ended ? std::nullopt : one->second.who.stat();
    const char state = stat ? stat->state : 'Z';
    const bool stopped = state == 'T';
    const bool runs = state != 'T' && state != 't' && state != 'Z' && state != 'X';
    if (stopped || runs) tell_change(one->second, stopped);
    if (stopped) one->second.was_stopped = true;
    if (stopped && goal_.until == Until::Stopped) {
      one = tell(one, What::Stopped, true);
    } else if (runs && goal_.until == Until::Continued) {
      one = tell(one, What::Continued, true);
    } else {
      ++one;
    }
  }
}

void Lookout::look_at_reaping() {
  for (auto one = watched_.begin(); one != watched_.end() && !over();) {
    const bool reaped = one->second.ended && one->second.who.is_reaped();
    one = reaped ? tell(one, What::Ended, true) : std::next(one);
  }
}

void Lookout::stop(const job::StopPlan& plan) {
  goal_.until = Until::Exit;
  count_ = 0;
  for (auto& [id, one] : watched_) {
    if (one.ended) graces_.push_back({sys::Clock::now() + kReapedSoon, id});
  }
  for (std::size_t i = 0; i < plan.size() && !all_refused(); ++i) {
    const sys::Duration wait = i + 1 == plan.size() ? kKilledAtMost : plan[i].wait;
    const auto end = job::after(sys::Clock::now(), wait);
    some_gone_ = true;
    look();
    do {
      signal_all(plan[i].signal, i + 1);  // those, too, that have come since
    } while (!all_refused() && (step(end) || !has_passed(end)));
  }
}

bool Lookout::all_refused() const {
  return std::all_of(watched_.begin(), watched_.end(),
                     [](const auto& one) { return one.second.refused && !one.second.ended; });
}

void Lookout::signal_all(int signal, std::size_t step) {
  for (auto& [id, one] : watched_) {
    if (one.ended || one.refused || std::exchange(one.signalled, step) == step) continue;
    try {
      const auto stat = one.who.stat();
      if (one.who.send(signal)) {
        Sighting sighting = sighting_of(one, What::Signalled);
        sighting.signal = signal;
        tell_(sighting);
      }
      // Who is stopped acts on nothing but KILL.
      if (signal != SIGKILL && stat && stat->state == 'T') one.who.send(SIGCONT);
    } catch (const std::system_error& error) {
      if (error.code().value() != EPERM) throw;
      one.refused = true;
      tell_(sighting_of(one, What::Refused));
    }
  }
}

void Lookout::tell_rest() {
  for (auto one = watched_.begin(); one != watched_.end();) {
    one = tell(one, What::Running, false);
  }
}

}  // namespace procrun::engine
