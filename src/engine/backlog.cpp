#include "engine/backlog.h"

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
      reads_far_{options.reads_far} {}

bool Backlog::wants(unsigned slots) const {
  if (ended_ || at_barrier_) return false;
  if (!reads_far_ && rows_.size() >= slots * std::size_t{8} + 16) return false;
  return bytes_ < kMostBytes || rows_.size() < slots;
}

void Backlog::read(unsigned slots, bool none_in_hand) {
  const auto all_done = [&] { return none_in_hand && rows_.empty(); };
  if (all_done()) at_barrier_ = false;
  while (wants(slots)) {
    Waiting next;
    switch (source_->next(next.row)) {
      case input::Pull::Later:
        return;
      case input::Pull::End:
        ended_ = true;
        return;
      case input::Pull::Barrier:
        at_barrier_ = !all_done();
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

bool Backlog::is_to_run(const Waiting& waiting) {
  if (!past_.matters()) return true;
  const auto by_number = [&] {
    const auto job = recipe_.make(waiting.row, waiting.seq, 1);
    return past_.fate(waiting.seq, recipe_.pasteable(job));
  };
  const Fate fate = past_.by_number() ? by_number() : past_.fate(waiting.identity);
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
