#include "engine/backlog.h"

namespace procrun::engine {

Backlog::Backlog(Options options, const Recipe& recipe, Listener listener)
    : inputs_{std::move(options.inputs)},
      past_{std::move(options.past)},
      identities_{std::move(options.identities)},
      recipe_{recipe},
      listener_{std::move(listener)} {}

void Backlog::read(std::size_t wanted) {
  while (!ended_ && rows_.size() < wanted) {
    Waiting next;
    switch (inputs_.next(next.row)) {
      case input::Pull::Later:
        return;
      case input::Pull::End:
        ended_ = true;
        return;
      case input::Pull::Item:
        break;
    }
    next.seq = ++seqs_;
    if (identities_) next.identity = identities_->next(next.row);
    if (is_to_run(next)) {
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

int Backlog::wait_fd(std::size_t wanted) const {
  return ended_ || rows_.size() >= wanted ? -1 : inputs_.wait_fd();
}

std::optional<std::uint64_t> Backlog::total() const {
  if (!ended_) return std::nullopt;
  return seqs_ - left_out_;
}

Waiting Backlog::take() {
  Waiting next = std::move(rows_.front());
  rows_.pop_front();
  return next;
}

void Backlog::give_back(Waiting waiting) { rows_.push_front(std::move(waiting)); }

}  // namespace procrun::engine
