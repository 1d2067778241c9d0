#include "engine/durations.h"

#include <utility>

namespace procrun::engine {

void Durations::note(std::string name, sys::Duration took) {
  took_.insert_or_assign(std::move(name), took);
}

std::optional<sys::Duration> Durations::of(const std::string& name) const {
  const auto it = took_.find(name);
  if (it == took_.end()) return std::nullopt;
  return it->second;
}

}  // namespace procrun::engine
