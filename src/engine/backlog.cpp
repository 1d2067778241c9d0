#include "engine/backlog.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace procrun::engine {
namespace {

/// Rows that wait are few where they are long (-X).
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

std::size_t size_of(const input::Row& row) {
  std::size_t size = 0;
  for (const auto& item : row) size += sizeof(std::string) + item.size();
  return size;
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
  const auto all_done = [&] { return none_in_hand && rows_.empty(); };
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
    if (identities_) next.identity = identities_->next(next.row);
    if (is_to_run(next)) {
      bytes_ += size_of(next.row);
      rows_.push_back(std::move(next));
    } else {
      ++left_out_;
      listener_.left_out(next.seq);
    }
  }
}

/// The longest first, and before them those of which nothing is known: one of them may be longer.
void Backlog::arrange() {
  is_arranged_ = true;
  if (!durations_) return;
  std::vector<std::pair<sys::Duration, Waiting>> by_time;
  by_time.reserve(rows_.size());
  for (Waiting& one : rows_) {
    const auto took = durations_->of(durations_->by_command() ? command(one) : one.identity.key);
    by_time.emplace_back(took.value_or(sys::Duration::max()), std::move(one));
  }
  std::stable_sort(by_time.begin(), by_time.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  rows_.clear();
  for (auto& [took, one] : by_time) rows_.push_back(std::move(one));
}

std::string Backlog::command(const Waiting& waiting) const {
  return recipe_.pasteable(recipe_.make(waiting.row, waiting.seq, 1));
}

bool Backlog::is_to_run(const Waiting& waiting) {
  if (!past_.matters()) return true;
  const Fate fate =
      past_.by_number() ? past_.fate(waiting.seq, command(waiting)) : past_.fate(waiting.identity);
  const bool runs = past_.is_to_run(fate);
  if (runs && fate == Fate::InFlight) listener_.was_in_flight(waiting);
  return runs;
}

int Backlog::wait_fd(unsigned slots) const { return wants(slots) ? source_->wait_fd() : -1; }

std::optional<std::uint64_t> Backlog::total() const {
  if (!ended_) return std::nullopt;
  return seqs_ - left_out_;
}

Waiting Backlog::take() {
  Waiting next = std::move(rows_.front());
  rows_.pop_front();
  bytes_ -= size_of(next.row);
  return next;
}

void Backlog::give_back(Waiting waiting) {
  bytes_ += size_of(waiting.row);
  rows_.push_front(std::move(waiting));
}

}  // namespace procrun::engine
