#include "engine/backlog.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace procrun::engine {
namespace {

/// Rows that wait are few where they are long (-X).
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

std::size_t size_of(const std::vector<std::string>& row) {
  std::size_t size = 0;
  for (const auto& item : row) size += sizeof(std::string) + item.size();
  return size;
}

/// Roughly.
/// What waits for stdin counts as well: it may be kept in a file, but not all of it at once.
std::size_t size_of(const Waiting& waiting) {
  const std::size_t size = size_of(waiting.row) + waiting.ends.size() * sizeof(std::size_t) +
                           (waiting.in ? waiting.in->length : 0);
  if (!waiting.json) return size;
  return size + sizeof *waiting.json + size_of(waiting.json->argv) + waiting.json->shell.size();
}

/// The longest first, and before them those of which nothing is known: one of them may be longer.
/// Where nobody asks for that, as they came.
bool goes_before(const Waiting& one, const Waiting& other) {
  return one.took != other.took ? one.took > other.took : one.seq < other.seq;
}

/// What the end of a job by an earlier run is for those after it.
Dependencies::End end_of(Fate fate) {
  if (fate == Fate::Ok) return {};
  return {.ok = false,
          .why_not = fate == Fate::Failed ? "failed in an earlier run" : "has not been run"};
}

}  // namespace

Backlog::Backlog(Options options, const Recipe& recipe, Listener listener)
    : source_{std::move(options.rows)},
      past_{std::move(options.past)},
      identities_{std::move(options.identities)},
      recipe_{recipe},
      listener_{std::move(listener)},
      durations_{std::move(options.longest_first)},
      is_arranged_{!durations_},
      reads_far_{options.reads_far} {}

bool Backlog::wants(unsigned slots) const {
  if (ended_ || at_barrier_) return false;
  if (durations_) return true;
  if (!reads_far_ && rows_.size() >= slots * std::size_t{8} + 16) return false;
  return bytes_ < kMostBytes || rows_.size() < slots;
}

void Backlog::read(unsigned slots, bool none_in_hand) {
  const auto all_done = [&] { return none_in_hand && none_left(); };
  if (at_barrier_ && all_done()) {
    at_barrier_ = false;
    is_arranged_ = !durations_;
  }
  while (wants(slots)) {
    Waiting next;
    switch (source_->next(next.row)) {
      case input::Pull::Later:
        return;
      case input::Pull::End:
        ended_ = true;
        return arrange();
      case input::Pull::Barrier:
        at_barrier_ = !all_done();
        if (at_barrier_) arrange();
        continue;
      case input::Pull::Item:
        break;
    }
    next.seq = ++seqs_;
    next.ends = source_->ends_of_last();
    next.json = source_->json();
    next.in = source_->stdin_of_last();
    if (identities_) next.identity = identify(next);
    sort_in(std::move(next));
  }
}

/// Among what is left out, what can be taken, or what has to wait for others.
void Backlog::sort_in(Waiting next) {
  if (past_.matters()) {
    const Fate fate = fate_of(next);
    if (!past_.is_to_run(fate)) return leave_out(next, fate);
    if (fate == Fate::InFlight) listener_.was_in_flight(next);
  }
  if (durations_) {
    const auto took = durations_->of(durations_->by_command() ? command(next) : next.identity.key);
    next.took = took.value_or(sys::Duration::max());
  }
  bytes_ += size_of(next);
  if (next.json) return take_in(dependencies_.add(std::move(next)));
  rows_.push_back(std::move(next));
}

void Backlog::leave_out(const Waiting& waiting, Fate fate) {
  ++left_out_;
  release(waiting);
  listener_.left_out(waiting.seq);
  ended(waiting, end_of(fate));
}

void Backlog::ended(const Waiting& waiting, const Dependencies::End& end) {
  if (waiting.json) take_in(dependencies_.ended(*waiting.json, end));
}

void Backlog::take_in(Dependencies::Released released) {
  for (Waiting& one : released.ready) {
    const auto place = std::upper_bound(rows_.begin(), rows_.end(), one, goes_before);
    rows_.insert(place, std::move(one));
  }
  for (const auto& [waiting, why] : released.skipped) {
    ++skipped_;
    bytes_ -= size_of(waiting);
    listener_.skipped(waiting, why);
  }
}

void Backlog::arrange() {
  is_arranged_ = true;
  if (!durations_) return;
  std::stable_sort(rows_.begin(), rows_.end(), goes_before);
}

/// What it gets on stdin is part of its content.
Identity Backlog::identify(const Waiting& waiting) {
  if (!waiting.in) return identities_->next(waiting.row, waiting.json.get());
  input::Row content = waiting.row;
  content.push_back(fnv1a_128(*waiting.in));
  return identities_->next(content, nullptr);
}

std::string Backlog::command(const Waiting& waiting) const {
  return recipe_.pasteable(job_of(waiting, recipe_, 1));
}

Fate Backlog::fate_of(const Waiting& waiting) const {
  return past_.by_number() ? past_.fate(waiting.seq, command(waiting))
                           : past_.fate(waiting.identity);
}

int Backlog::wait_fd(unsigned slots) const { return wants(slots) ? source_->wait_fd() : -1; }

std::optional<std::uint64_t> Backlog::total() const {
  if (!ended_) return std::nullopt;
  return seqs_ - left_out_ - skipped_;
}

Waiting Backlog::take() {
  Waiting next = std::move(rows_.front());
  rows_.pop_front();
  bytes_ -= size_of(next);
  return next;
}

void Backlog::release(const Waiting& waiting) {
  if (waiting.in) source_->release(*waiting.in);
}

void Backlog::give_back(Waiting waiting) {
  bytes_ += size_of(waiting);
  rows_.push_front(std::move(waiting));
}

}  // namespace procrun::engine
