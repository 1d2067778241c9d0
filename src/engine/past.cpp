#include "engine/past.h"

#include <stdexcept>

namespace procrun::engine {

void Past::note(const std::string& key, std::uint64_t occurrence, Fate fate) {
  by_content_[key][occurrence] = fate;
}

void Past::note(std::uint64_t seq, std::string command, Fate fate) {
  by_number_.insert_or_assign(seq, Numbered{std::move(command), fate});
}

Fate Past::fate(const Identity& identity) const {
  const auto same = by_content_.find(identity.key);
  if (same == by_content_.end()) return Fate::Unknown;
  const auto it = same->second.find(identity.occurrence);
  return it == same->second.end() ? Fate::Unknown : it->second;
}

Fate Past::fate(std::uint64_t seq, const std::string& command) const {
  const auto it = by_number_.find(seq);
  if (it == by_number_.end()) return Fate::Unknown;
  if (it->second.command != command) {
    throw std::runtime_error("the job log says that job " + std::to_string(seq) + " was '" +
                             it->second.command + "', but now it is '" + command +
                             "': the inputs have changed (a --journal would know each job again)");
  }
  return it->second.fate;
}

bool Past::is_to_run(Fate fate) const noexcept {
  switch (again_) {
    case Again::All:
      return true;
    case Again::Unfinished:
      return fate == Fate::Unknown || fate == Fate::InFlight;
    case Again::NotOk:
      return fate != Fate::Ok;
    case Again::OnlyFailed:
      return fate == Fate::Failed || fate == Fate::InFlight;
  }
  return true;
}

}  // namespace procrun::engine
