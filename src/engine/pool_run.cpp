#include "engine/pool_run.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <utility>

#include "engine/outcome_event.h"
#include "job/deadlines.h"
#include "sys/error.h"

namespace procrun::engine {
namespace {

using event::Event;
using event::Type;

/// What the poller watches besides the workers.
constexpr std::uint64_t kSignals = 1;
constexpr std::uint64_t kInput = 2;
constexpr std::uint64_t kOut = 3;
constexpr std::uint64_t kErr = 4;
constexpr std::uint64_t kTokens = 5;
constexpr std::uint64_t kSlots = 6;

/// For output that is left when the run was ended.
constexpr auto kPatience = std::chrono::milliseconds{500};

/// As in: needs 'build', which failed.
const char* failure_of(const job::Outcome& outcome) {
  using Kind = job::Outcome::Kind;
  switch (outcome.kind) {
    case Kind::TimedOut:
      return "timed out";
    case Kind::Cancelled:
      return "was cancelled";
    case Kind::CouldNotStart:
      return "could not start";
    case Kind::Lost:
      return "was lost";
    case Kind::Ended:
      break;
  }
  return "failed";
}

/// What it reads from the terminal could not be given to it once more.
void refuse_retries(const Waiting& job) {
  if (!job.json || job.json->retries.value_or(0) == 0) return;
  throw std::runtime_error(job.json->place + ": --tty: a job that has the terminal is not retried");
}

}  // namespace

PoolRun::PoolRun(PoolPlan plan, const event::Bus& bus, sys::Outlet& out, sys::Outlet& err)
    : plan_{std::move(plan)},
      bus_{bus},
      out_{out},
      err_{err},
      interest_{bus.interest()},
      keeps_records_{bus.wants(event::Interest::Records)},
      out_watch_{poller_, EPOLLOUT, kOut},
      err_watch_{poller_, EPOLLOUT, kErr},
      input_watch_{poller_, EPOLLIN, kInput},
      tokens_watch_{poller_, EPOLLIN, kTokens},
      signals_{sys::all_signals()},
      delivery_{{.keep_order = plan_.keep_order,
                 .results = std::move(plan_.results),
                 .by_line = plan_.policy.output.by_line,
                 .takes_turns = plan_.policy.output.takes_turns},
                out,
                err},
      backlog_{
          std::move(plan_.backlog),
          plan_.recipe,
          {.left_out =
               [this](std::uint64_t seq) {
                 tally_.left_out();
                 delivery_.nothing(seq);
               },
           .was_in_flight =
               [this](const Waiting& waiting) {
                 const auto job = job_of(waiting, plan_.recipe, 1);
                 bus_.emit(
                     {.type = Type::InFlight, .seq = waiting.seq, .text = plan_.recipe.text(job)});
               },
           .skipped = [this](const Waiting& waiting,
                             const std::string& why) { skipped(waiting.seq, why); }}},
      local_{{.slots = plan_.slots,
              .policy = plan_.policy,
              // The terminal goes to and fro with what is told.
              .interest = plan_.foreground == nullptr ? interest_
                                                      : std::max(interest_, event::Interest::Story),
              .tokens = plan_.tokens,
              .in_worker = [this] { signals_.close(); }},
             *this,
             poller_},
      gates_{plan_.gates},
      pace_{plan_.timeout_percent},
      tally_{plan_.recipe} {
  poller_.add(signals_.fd(), EPOLLIN, kSignals);
  if (plan_.slot_source != nullptr) poller_.add(plan_.slot_source->fd(), EPOLLIN, kSlots);
}

PoolResult PoolRun::run() {
  bus_.emit({.type = Type::RunStart, .pid = ::getpid()});
  while (!all_done()) round();
  if (hung_up_ && !backlog_.exhausted()) tally_.ended_by(SIGHUP);
  delivery_.finish();
  let_workers_go();
  local_.end_orphans();
  if (broken_.empty()) count_tokens();
  if (broken_.empty()) tell({.type = Type::RunEnd, .text = tally_.summary()});
  sys::Deadline patience;
  while (!delivery_.flush(local_)) {
    // Whoever was told to end does not wait for a reader that sleeps.
    if (tally_.result().signal != 0 && !patience) patience = sys::Clock::now() + kPatience;
    if (patience && *patience <= sys::Clock::now()) break;
    serve(patience);
  }
  obey_signals();
  if (!broken_.empty()) throw std::runtime_error(broken_);
  if (out_.broken()) tally_.ended_by(out_.hung_up() ? SIGHUP : SIGPIPE);
  return tally_.result();
}

/// They are joined before the run is over.
void PoolRun::let_workers_go() {
  local_.close();
  while (!local_.finished()) {
    delivery_.flush(local_);
    serve({});
  }
}

/// Where procrun itself fails, what runs is ended before the error is told.
void PoolRun::round() {
  const char* doing = "reading the inputs";
  try {
    if (ending_ == Ending::No) backlog_.read(plan_.slots, in_hand_.empty());
    doing = "starting jobs and taking what they wrote";
    delivery_.flush(local_);
    if (may_start()) local_.feed();
    if (!all_done()) serve({});
  } catch (const std::bad_alloc& error) {
    give_up(sys::words_of(error) + " while " + doing);
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

/// One round: wait; then signals, before the results, before new starts. It does not flush: whoever
/// has found that output waits, and so does not go on, is to be woken for it.
void PoolRun::serve(const sys::Deadline& patience) {
  watch();
  const auto ready =
      poller_.wait(sys::earlier(sys::earlier(deadline(), delivery_.turn_due(in_hand_)), patience));
  const auto is_signal = [](const auto& one) { return one.id == kSignals; };
  if (std::any_of(ready.begin(), ready.end(), is_signal)) obey_signals();
  for (const auto& one : ready) {
    if (pool::Front::owns(one.id)) local_.handle(one);
    if (one.id == kSlots) change_slots();
  }
  local_.tick();
  stop_with_job();
  delivery_.give_turn(in_hand_, local_);
  end_slow_ones();
  show_standing();
  if (out_.broken() && ending_ != Ending::Stopping) stop(0);
}

bool PoolRun::may_start() const { return ending_ == Ending::No && delivery_.has_room(); }

/// A gate is asked, and wakes us, only while it alone could hold a job back.
bool PoolRun::has_job() const {
  if (backlog_.empty() || ending_ != Ending::No || !next_fits()) return false;
  return !gates_.any() || (has_place() && gates_.may_start(sys::Clock::now()));
}

bool PoolRun::has_place() const { return local_.busy() < plan_.slots; }

/// Whether the places that the next job takes are free. Nothing overtakes it while they are not, or
/// it could wait for ever. One that takes more than there are has them all, alone.
bool PoolRun::next_fits() const {
  const unsigned cost = std::min(backlog_.next_cost(), plan_.slots);
  const unsigned extra = in_hand_.extra_places();
  if (cost == 1 && extra == 0) return true;  // the front counts by itself
  return local_.busy() + extra + cost <= plan_.slots;
}

/// Whether nothing but a gate holds a job back.
bool PoolRun::is_held_by_gate() const {
  return gates_.any() && gates_.deadline() && may_start() && !backlog_.empty() && has_place() &&
         next_fits();
}

sys::Deadline PoolRun::deadline() const {
  const auto gates = is_held_by_gate() ? gates_.deadline() : std::nullopt;
  return sys::earlier(sys::earlier(local_.deadline(), bus_.deadline()),
                      sys::earlier(in_hand_.time_up(pace_.limit()), gates));
}

/// Those that have taken too long by the median of those before them.
void PoolRun::end_slow_ones() {
  for (const auto& late : in_hand_.out_of_time(pace_.limit(), sys::Clock::now())) {
    local_.order(late.seq, {.kind = job::Order::Kind::TimeUp, .attempt = late.attempt});
  }
}

bool PoolRun::all_done() const {
  return local_.busy() == 0 && (ending_ != Ending::No || backlog_.exhausted());
}

void PoolRun::watch() {
  const auto full = [](const sys::Outlet& outlet) {
    return outlet.empty() ? -1 : outlet.poll_fd();
  };
  out_watch_.set(full(out_));
  if (&err_ != &out_) err_watch_.set(full(err_));
  input_watch_.set(ending_ == Ending::No ? backlog_.wait_fd(plan_.slots) : -1);
  // Only while a job waits for one: others wake for the same token.
  const bool wants_token = local_.waits_for_token() && has_job() && may_start();
  tokens_watch_.set(wants_token ? plan_.tokens->fd() : -1);
}

void PoolRun::change_slots() {
  const auto slots = plan_.slot_source->changed();
  if (!slots || *slots == plan_.slots) return;
  plan_.slots = *slots;
  local_.resize(*slots);
}

void PoolRun::obey_signals() {
  for (const auto& info : signals_.read()) {
    const int signal = static_cast<int>(info.ssi_signo);
    switch (signal) {
      case SIGCHLD:
        local_.reap_orphans();
        continue;
      case SIGTSTP:
      case SIGTTIN:
      case SIGTTOU:
        if (!sys::is_ignored(signal)) stand_still(signal);
        continue;
      case SIGUSR1:
        list_running();
        continue;
      case SIGPIPE:  // told by the write that failed
      case SIGCONT:
      case SIGURG:
      case SIGWINCH:
        continue;
      default:
        if (sys::is_ignored(signal)) continue;
        if (signal == SIGHUP && plan_.drains_on_hangup) {
          hung_up_ = true;
          drain();
        } else if (!stop_request_.is_told_twice(signal, sys::Clock::now())) {
          stop(signal);
        }
    }
  }
}

/// Starts nothing any more; what runs goes on to its end.
void PoolRun::drain() noexcept {
  if (ending_ == Ending::No) ending_ = Ending::Draining;
}

/// Starts nothing any more and ends what runs: gently, and the second time with KILL.
void PoolRun::stop(int signal) {
  ending_ = Ending::Stopping;
  tally_.ended_by(signal);
  local_.order({.kind = job::Order::Kind::Stop});
}

/// Stops the jobs, their clocks and this process; what follows happens when it goes on.
void PoolRun::stand_still(int signal) {
  err_.erase_footer();
  err_.flush();  // as much as goes: who stops us may have stopped the terminal, too
  local_.order({.kind = job::Order::Kind::Pause, .signal = signal});
  const auto stood_still = sys::Clock::now();
  if (plan_.foreground == nullptr) {
    ::raise(SIGSTOP);
  } else if (!plan_.foreground->stand_still(signal)) {
    give_up("--tty: the terminal was taken away, and no shell could give it back");
  }
  in_hand_.stood_still(sys::Clock::now() - stood_still);
  local_.order({.kind = job::Order::Kind::Resume});
}

/// A job that has the terminal is stopped by it alone; for our shell it is we who are.
void PoolRun::stop_with_job() {
  const int signal = plan_.foreground != nullptr ? plan_.foreground->take_stop() : 0;
  if (signal != 0) stand_still(signal);
}

/// A job may have died of what was typed for the whole run (Ctrl-C).
void PoolRun::take_terminal_back(const job::Outcome& outcome) {
  const int signal = plan_.foreground != nullptr ? plan_.foreground->ended(outcome) : 0;
  if (signal != 0) stop(signal);
}

/// For whoever asks with USR1, also of a quiet run.
void PoolRun::list_running() {
  const auto now = sys::Clock::now();
  std::string text = fmt::format("procrun: pool: {} running, {} ended, {} failed\n",
                                 in_hand_.size(), tally_.result().jobs, tally_.result().failed);
  for (const auto& [seq, one] : in_hand_) {
    text += fmt::format("procrun: pool: job {} in slot {} for {:.1f}s: {}\n", seq, one.record.slot,
                        std::chrono::duration<double>(now - one.since).count(),
                        plan_.recipe.text(one.job));
  }
  if (is_held_by_gate()) text += fmt::format("procrun: pool: the next waits {}\n", gates_.wait());
  err_.write(text);
}

void PoolRun::show_standing() {
  bus_.show({.ended = tally_.result().jobs,
             .failed = tally_.result().failed,
             .running = local_.busy(),
             .total = backlog_.total()},
            sys::Clock::now());
}

void PoolRun::give_up(const std::string& why) {
  if (broken_.empty()) broken_ = why;
  if (ending_ != Ending::Stopping) stop(0);
}

std::optional<job::Job> PoolRun::next_job(unsigned slot) {
  if (!has_job()) return std::nullopt;
  Waiting next = backlog_.take();
  if (plan_.foreground != nullptr) {
    refuse_retries(next);
    plan_.foreground->prepare();
  }
  gates_.started(sys::Clock::now());
  const unsigned places = next.json ? std::min(next.json->cost, plan_.slots) : 1;
  job::Job job = job_of(next, plan_.recipe, slot + 1);
  if (plan_.tag) {
    job.tag = plan_.tag->text({.items = next.row, .seq = next.seq, .slot = slot + 1}) + '\t';
  }
  JobInHand one{.waiting = std::move(next), .job = job, .record = {}, .since = sys::Clock::now()};
  one.extra_places = places - 1;
  one.record.slot = slot + 1;
  if (keeps_records_) {
    one.record.key = one.waiting.identity.key;
    one.record.occurrence = one.waiting.identity.occurrence;
    one.record.command = plan_.recipe.pasteable(job);
    if (job.in) one.record.stdin_bytes = job.in->length;
    add_details(one);
    bus_.emit({.type = Type::JobGiven, .seq = job.seq, .record = &one.record});
  }
  in_hand_.add(std::move(one));
  return job;
}

void PoolRun::add_details(JobInHand& one) const {
  if (interest_ < event::Interest::Details) return;
  one.record.name = plan_.recipe.text(one.job);
  one.record.argv = one.job.argv;
}

/// With a rule that may end the run, a gate, or jobs that take several places, each start is a
/// decision of its own; and a job whose time is taken has to run from when it is given.
bool PoolRun::plenty() const {
  return ending_ == Ending::No && plan_.halt.when == HaltRule::When::Never && !gates_.any() &&
         !pace_.limits() && plan_.foreground == nullptr &&
         backlog_.size() >= plan_.slots * std::size_t{4} && in_hand_.extra_places() == 0 &&
         backlog_.next_cost() == 1;
}

void PoolRun::returned(std::uint64_t seq) {
  backlog_.give_back(in_hand_.take(seq).waiting);
  if (keeps_records_) tell({.type = Type::JobReturned, .seq = seq});
}

void PoolRun::take(const Event& event) {
  JobInHand* const one = in_hand_.find(event.seq);
  if (event.type == Type::WantsTurn) {
    if (one != nullptr) one->wants_turn = true;
    return;
  }
  if (plan_.foreground != nullptr) plan_.foreground->note(event);
  if (event.type == Type::Retry) in_hand_.try_again(event.seq, event.duration);
  if (event.type != Type::Exec) return tell(event);
  Event named = event;
  if (one != nullptr) named.text = plan_.recipe.text(one->job);
  tell(named);
}

/// A report that fails (a full disk) ends the run, but not what of it is under way here.
void PoolRun::tell(const Event& event) {
  try {
    bus_.emit(event);
  } catch (const std::exception& error) {
    give_up(error.what());
  }
}

/// What a job has to say that lost the race is not asked for.
bool PoolRun::race_is_won() const {
  return tally_.result().halted && plan_.halt.what == HaltRule::What::Success;
}

void PoolRun::wrote(std::uint64_t seq, const HandedOn& lines, const job::SpillFile& spill) {
  delivery_.lines(*in_hand_.find(seq), lines, spill, !race_is_won());
}

void PoolRun::ended(std::uint64_t seq, job::Supervised result, const job::SpillFile& spill) {
  JobInHand one = in_hand_.take(seq);
  const job::Outcome& outcome = result.outcome;
  if (result.output.reader_gone) out_.note_broken();
  if (outcome.success()) pace_.ended_well(sys::Clock::now() - one.attempt_since);
  tally_.count(one.job, outcome);
  tell_end(one, result);
  const bool lost_race = outcome.kind == job::Outcome::Kind::Cancelled && race_is_won();
  delivery_.whole(one, std::move(result.output), spill, !lost_race);
  // What it left behind may still read.
  if (!outcome.left_behind) backlog_.release(one.waiting);
  take_terminal_back(outcome);
  // Of a run that is being ended, nothing more would have been started anyhow.
  if (one.waiting.json && ending_ != Ending::Stopping) {
    backlog_.ended(one.waiting, {.ok = outcome.success(), .why_not = failure_of(outcome)});
  }
  halt_if_due(outcome);
}

/// Where nobody keeps records, only of what never ran anybody hears.
void PoolRun::tell_end(JobInHand& one, const job::Supervised& result) {
  if (!keeps_records_ && has_run(result.outcome)) return;
  auto end = end_event(one.job.seq, result.outcome);
  if (keeps_records_) {
    add_end(one.record, result);
    end.record = &one.record;
  }
  tell(end);
}

/// It never begins, but has its place among the others.
void PoolRun::skipped(std::uint64_t seq, const std::string& why) {
  tally_.skipped(seq, why);
  delivery_.nothing(seq);
  tell({.type = Type::Skipped, .seq = seq, .text = why});
}

void PoolRun::broke(std::uint64_t seq, const std::string& why) {
  in_hand_.take(seq);
  job::Outcome unknown;
  unknown.kind = job::Outcome::Kind::Lost;
  take_terminal_back(unknown);
  give_up(fmt::format("job {}: {}", seq, why));
}

/// Jobs that are cancelled for it are not its reasons.
void PoolRun::halt_if_due(const job::Outcome& outcome) {
  if (ending_ != Ending::No) return;
  if (!tally_.holds(plan_.halt, backlog_.total())) return;
  if (plan_.halt.when == HaltRule::When::Soon) return drain();
  tally_.halted_by(outcome);
  stop(0);
}

void PoolRun::count_tokens() {
  const unsigned lost = plan_.tokens != nullptr ? plan_.tokens->count_lost() : 0;
  if (lost != 0) tell({.type = Type::TokensLost, .status = static_cast<int>(lost)});
}

}  // namespace procrun::engine
