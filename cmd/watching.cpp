#include "cmd/watching.h"

#include <fmt/core.h>
#include <sys/resource.h>
#include <unistd.h>

#include <stdexcept>

#include "cmd/ending_signals.h"
#include "cmd/events.h"
#include "cmd/named_jobs.h"
#include "cmd/sightings.h"
#include "event/bus.h"
#include "input/shell.h"
#include "job/deadlines.h"
#include "sys/outlet.h"
#include "sys/signals.h"

namespace procrun::cmd {
namespace {

using engine::Lookout;
using engine::Sighting;
using engine::Until;
using What = Sighting::What;

constexpr int kTimedOut = 124;
constexpr int kUnknown = 125;
constexpr int kMissing = 127;

/// Each process that is waited for takes a descriptor.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);  // if not, the first descriptor too many is told
}

std::string text_of(const engine::Who& who) {
  std::string text = fmt::format("{} ({})", who.pid, input::printable(who.name));
  if (who.start_time) text += fmt::format(" {}@{}", who.pid, *who.start_time);
  if (who.inode) text += fmt::format(" {}:{}", who.pid, *who.inode);
  return text;
}

/// Empty for the name of a job.
std::optional<Address> parse_name(const std::string& word) {
  try {
    return Address::parse(word);
  } catch (const std::invalid_argument& error) {
    if (can_be_job(word)) return std::nullopt;
    throw UsageError{std::string{error.what()} + " nor the name of a job"};
  }
}

const char* goal_text(Until until) {
  constexpr const char* kTexts[]{"ended", "reaped", "stopped", "not stopped"};
  return kTexts[static_cast<int>(until)];
}

/// One run of the tool.
class Watching {
 public:
  /// Blocks while a fifo for the events or the picture has no reader. Throws UsageError,
  /// std::system_error.
  Watching(const std::vector<std::string>& words, const WatchOptions& options,
           const Shared& shared);
  int run();

 private:
  /// Something that was named, in the order in which it was.
  struct Place {
    std::string named;
    std::optional<state::Record> job = std::nullopt;
    std::optional<Sighting> seen = std::nullopt;
  };

  void check() const;
  int wait_for_all();
  int end_of_wait(Lookout& lookout, bool timed_out);
  void complain(const std::string& text);
  void find_all(Lookout& lookout);
  void find_members(Lookout& lookout);
  void add_found(Lookout& lookout, const std::string& named, std::optional<Stranger> found,
                 const std::string& what, const std::string& why_not);
  void miss(const std::string& named, const std::string& what, const std::string& why_not);
  void add_process(Lookout& lookout, const std::string& word, const Address& address);
  void add_job(Lookout& lookout, const std::string& word, std::optional<state::Record> record);
  void add_end(Sighting& sighting, const state::Record& job);
  void take(Sighting sighting);
  void record(const Sighting& sighting) const;
  void time_is_up(Lookout& lookout);
  int code_of_status();
  sys::Duration waited() const { return sys::Clock::now() - begin_; }

  const WatchOptions& options_;
  const Shared& shared_;
  std::vector<std::string> words_;
  std::vector<std::optional<Address>> addresses_;  // empty: the name of a job
  NamedJobs jobs_;
  std::vector<Place> places_;
  std::optional<Sighting> last_met_;  // whose coming to the goal was the last
  std::size_t missing_ = 0;
  std::size_t met_ = 0;      // have come to what was waited for
  std::size_t in_vain_ = 0;  // ended without having come to what was waited for
  sys::Clock::time_point begin_ = sys::Clock::now();
  std::string summary_;
  EndingSignals* signals_ = nullptr;  // while it waits
  std::unique_ptr<event::Sink> events_;
  sys::Outlet err_{STDERR_FILENO, "standard error"};  // the picture's
  std::unique_ptr<Picture> picture_;
  event::Bus bus_;
};

Watching::Watching(const std::vector<std::string>& words, const WatchOptions& options,
                   const Shared& shared)
    : options_{options}, shared_{shared}, words_{words} {
  for (const std::string& word : words) addresses_.push_back(parse_name(word));
  check();
  events_ = open_events(options.events, job::Policy{});
  if (events_) bus_.add(*events_);
  picture_ = make_picture(options.timeline, open_timeline(options.timeline),
                          {.title = "procrun waitpid", .colour = use_colour(shared), .err = &err_});
  if (picture_) bus_.add(*picture_);
}

/// Not before there is room: a write that blocks while signals are blocked could not be ended.
void Watching::complain(const std::string& text) {
  signals_->wait(STDERR_FILENO, POLLOUT);
  log_error(text);
}

void Watching::check() const {
  const auto& options = options_;
  const std::size_t named = words_.size() + options.pidfiles.size();
  if (options.nohang && (options.timeout || !options.on_timeout.empty())) {
    throw UsageError{"--nohang does not wait, so it has no --timeout"};
  }
  if (!options.on_timeout.empty() && !options.timeout) {
    throw UsageError{"--on-timeout needs a --timeout"};
  }
  if (options.count > named && !options.has_crowds()) {
    throw UsageError{fmt::format("--count {}: only {} are named", options.count, named)};
  }
  if (!options.status) return;
  if (options.until == Until::Stopped || options.until == Until::Continued) {
    throw UsageError{"--status is that of a process that has ended: --until exit or reaped"};
  }
  if (named == 0 && options.count == 0) {
    throw UsageError{"--status is that of one process: name it by PID or --pidfile"};
  }
}

void Watching::miss(const std::string& named, const std::string& what, const std::string& why_not) {
  ++missing_;
  const std::string text = fmt::format("wait for {}: {}", what, why_not);
  if (options_.exited) {
    log_debug(text);
  } else {
    complain(text);
  }
  if (options_.json) signals_->say(json_of_missing(named, waited()));
}

void Watching::add_found(Lookout& lookout, const std::string& named, std::optional<Stranger> found,
                         const std::string& what, const std::string& why_not) {
  places_.push_back({named});
  if (!found) return miss(named, what, why_not);
  lookout.add(std::move(*found), places_.size() - 1);
}

void Watching::find_all(Lookout& lookout) {
  for (const std::string& path : options_.pidfiles) {
    auto found = find_by_pidfile(path);
    add_found(lookout, path, std::move(found.process), "the process of " + path, found.why_not);
  }
  for (std::size_t i = 0; i < words_.size(); ++i) {
    const std::string& word = words_[i];
    if (!addresses_[i]) {
      add_job(lookout, word, jobs_.find(word));
    } else {
      add_process(lookout, word, *addresses_[i]);
    }
  }
}

/// Where there is none, it may be a job of `fork` that has ended.
void Watching::add_process(Lookout& lookout, const std::string& word, const Address& address) {
  auto found = find(address);
  auto job = found ? std::nullopt : jobs_.ended_at(address);
  if (job) return add_job(lookout, word, std::move(*job));
  add_found(lookout, word, std::move(found), "process " + word, "no such process");
}

void Watching::add_job(Lookout& lookout, const std::string& word,
                       std::optional<state::Record> record) {
  places_.push_back({word, std::move(record)});
  const auto& job = places_.back().job;
  if (!job) return miss(word, "job " + word, "there is none of that name");
  if (auto process = jobs_.process_of(*job)) {
    return lookout.add(std::move(*process), places_.size() - 1);
  }
  const bool awaited = options_.until == Until::Exit || options_.until == Until::Reaped;
  take({.what = What::Ended,
        .who = {.pid = job->command.pid},
        .place = places_.size() - 1,
        .is_last = true,
        .awaited = awaited});
}

/// What its supervisor has seen, of a job whose end we have not.
void Watching::add_end(Sighting& sighting, const state::Record& job) {
  const state::JobState end = jobs_.end_of(job);
  if (end.kind == state::JobState::Kind::Ended) {
    sighting.status = end.status;
  } else {
    sighting.why_unknown = end.why;
  }
}

void Watching::find_members(Lookout& lookout) {
  const auto add = [&](Crowd::Kind kind, int number, const char* what) {
    Crowd crowd{kind, number};
    if (crowd.exists()) return lookout.add(std::move(crowd));
    miss(std::to_string(number), fmt::format("{} {}", what, number), "nobody is in it");
  };
  for (const int group : options_.groups) add(Crowd::Kind::Group, group, "process group");
  for (const int session : options_.sessions) add(Crowd::Kind::Session, session, "session");
  for (const Address& root : options_.roots) {
    auto found = find(root);
    if (found) {
      lookout.add(Crowd{std::move(*found)});
    } else {
      miss(std::to_string(root.pid), fmt::format("the descendants of {}", root.pid),
           "no such process");
    }
  }
}

void Watching::record(const Sighting& sighting) const {
  const auto event = event_of(sighting);
  if (event && !sighting.again) bus_.emit(*event);
}

void Watching::take(Sighting sighting) {
  const bool is_named = sighting.place != Lookout::kNoPlace;
  const bool ended = sighting.what == What::Ended || sighting.what == What::Zombie;
  if (is_named && ended && !sighting.status && places_.at(sighting.place).job) {
    add_end(sighting, *places_[sighting.place].job);
  }
  record(sighting);
  if (sighting.what == What::Found) log_debug("watching " + text_of(sighting.who));
  if (sighting.what == What::Refused) {
    complain(fmt::format("signal process {}: Operation not permitted", sighting.who.pid));
  }
  if (!sighting.is_last) return;
  if (is_named) places_.at(sighting.place).seen = sighting;
  if (sighting.awaited) {
    last_met_ = sighting;
    ++met_;
  }
  if (tells_story(shared_)) {
    signals_->wait(STDERR_FILENO, POLLOUT);
    tell(cmd::text_of(sighting));
  }
  if (options_.json) {
    signals_->say(json_of(sighting, is_named ? places_[sighting.place].named : "", waited()));
  }
  const bool asks_for_life = options_.until == Until::Stopped || options_.until == Until::Continued;
  if (!asks_for_life || sighting.awaited || !ended) return;
  ++in_vain_;
  complain(fmt::format("{} ended before it was {}", sighting.who.pid,
                       options_.until == Until::Stopped ? "stopped" : "continued"));
}

void Watching::time_is_up(Lookout& lookout) {
  if (!options_.nohang) {
    complain(fmt::format("timed out: {} still there", lookout.left()));
    if (!options_.on_timeout.empty()) lookout.stop(options_.on_timeout);
  }
  lookout.tell_rest();
}

/// Of the last that was named; with --count of the one that made the count full.
int Watching::code_of_status() {
  const auto& seen = options_.count != 0 ? last_met_ : places_.back().seen;
  if (seen && seen->status) return seen->status->shell_code();
  if (!seen && !options_.exited) return kMissing;
  const std::string who = seen ? std::to_string(seen->who.pid) : "what was gone before we came";
  complain(fmt::format("how {} ended cannot be known{}", who,
                       seen ? ": " + why_unknown(*seen) : std::string{}));
  return kUnknown;
}

int Watching::run() {
  raise_descriptor_limit();
  int code = 0;
  const int signal = until_told([&](EndingSignals& signals) {
    signals_ = &signals;
    bus_.emit({.type = event::Type::RunStart, .pid = ::getpid()});
    code = wait_for_all();
  });
  // Only now, when signals end us again: the picture may have to wait for its reader.
  if (signal != 0) summary_ = "told to end by signal " + sys::signal_name(signal);
  bus_.emit({.type = event::Type::RunEnd, .text = summary_});
  if (picture_) picture_->finish();
  if (signal == 0) return code;
  sys::die_of(signal);
  return 128 + signal;
}

int Watching::wait_for_all() {
  engine::Goal goal{.until = options_.until, .tells_states = bus_.wants(event::Interest::Details)};
  if (options_.nohang) goal.deadline = begin_;
  if (options_.timeout) goal.deadline = job::after(begin_, *options_.timeout);
  Lookout lookout{goal, [this](const Sighting& sighting) { take(sighting); }};
  lookout.listen(signals_->fd(), [this] { signals_->hear(); });
  find_all(lookout);
  find_members(lookout);
  if (options_.exited) met_ += missing_;
  const bool enough = options_.count != 0 && met_ >= options_.count;
  const std::size_t wanted = options_.count == 0 ? 0 : options_.count - met_;
  const bool timed_out = !enough && lookout.run(wanted) == Lookout::End::TimedOut;
  summary_ = timed_out ? fmt::format("timed out: {} still there", lookout.left())
                       : fmt::format("{} {}", met_, goal_text(options_.until));
  if (missing_ > 0) summary_ += fmt::format(", {} not found", missing_);
  return end_of_wait(lookout, timed_out);
}

int Watching::end_of_wait(Lookout& lookout, bool timed_out) {
  if (timed_out) {
    time_is_up(lookout);
    return kTimedOut;
  }
  if (met_ < options_.count) return kMissing;  // those that are missing would have been needed
  if (options_.status) return code_of_status();
  return (missing_ > 0 && !options_.exited) || in_vain_ > 0 ? kMissing : 0;
}

}  // namespace

int watch(const std::vector<std::string>& words, const WatchOptions& options,
          const Shared& shared) {
  return Watching{words, options, shared}.run();
}

}  // namespace procrun::cmd
