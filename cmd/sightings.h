#pragma once
// What waitpid has seen of a process, in words, as JSON and as an event.
#include <optional>
#include <string>

#include "engine/lookout.h"
#include "event/event.h"
#include "sys/clock.h"

namespace procrun::cmd {

/// One line for people: "4711 exited with code 3".
std::string text_of(const engine::Sighting& sighting);

/// One line for programs. `named` is how the user has named it, empty for a member of a crowd;
/// `waited` how long procrun has.
std::string json_of(const engine::Sighting& sighting, const std::string& named,
                    sys::Duration waited);
/// The same for a process that there is not.
std::string json_of_missing(const std::string& named, sys::Duration waited);

/// The same as an event; empty where there is none for it.
std::optional<event::Event> event_of(const engine::Sighting& sighting);

/// Why it is not known how it ended.
std::string why_unknown(const engine::Sighting& sighting);

}  // namespace procrun::cmd
