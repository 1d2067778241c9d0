#include "cmd/sightings.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

#include "input/shell.h"

namespace procrun::cmd {
namespace {

using engine::Sighting;
using What = Sighting::What;
using Json = nlohmann::ordered_json;

constexpr const char* kKernel = "this kernel does not tell (Linux 6.15 does)";

std::string zombie_text(const Sighting& sighting) {
  std::string parent = "outside of this pid namespace";
  if (sighting.parent != 0) {
    const std::string& name = sighting.parent_name;
    parent =
        fmt::format("{} ({})", sighting.parent, name.empty() ? "gone" : input::printable(name));
  }
  std::string text = fmt::format("is a zombie: its parent {} has not reaped it", parent);
  if (!sighting.status) return text;
  return text + (sighting.status->signaled() ? "; it was " : "; it ") + sighting.status->text();
}

std::string deed_text(const Sighting& sighting) {
  switch (sighting.what) {
    case What::Ended:
      if (sighting.status) return sighting.status->text();
      if (sighting.why_unknown.empty()) return std::string{"has ended; how, "} + kKernel;
      return "has ended; how is not known: " + sighting.why_unknown;
    case What::Zombie:
      return zombie_text(sighting);
    case What::Stopped:
      return "is stopped";
    case What::Continued:
      return sighting.was_stopped ? "continued" : "is not stopped";
    default:
      return "still runs";
  }
}

const char* how(const Sighting& sighting) {
  switch (sighting.what) {
    case What::Ended:
    case What::Zombie:
      if (!sighting.status) return "unknown";
      return sighting.status->signaled() ? "killed" : "exited";
    case What::Stopped:
      return "stopped";
    case What::Continued:
      return "continued";
    default:
      return "running";
  }
}

template <class Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string line_of(Json report, sys::Duration waited) {
  report["waited"] = std::chrono::duration<double>(waited).count();
  report["time"] = sys::rfc3339_now();
  return report.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string text_of(const Sighting& sighting) {
  return fmt::format("{} {}", sighting.who.pid, deed_text(sighting));
}

std::string json_of(const Sighting& sighting, const std::string& named, sys::Duration waited) {
  Json report;
  const auto& status = sighting.status;
  report["named"] = named.empty() ? Json(nullptr) : Json(named);
  report["pid"] = sighting.who.pid;
  report["name"] = sighting.who.name.empty() ? Json(nullptr) : Json(sighting.who.name);
  report["start_time"] = or_null(sighting.who.start_time);
  report["inode"] = or_null(sighting.who.inode);
  report["how"] = how(sighting);
  report["code"] = status && status->exited() ? Json(status->code()) : Json(nullptr);
  report["signal"] = status && status->signaled() ? Json(status->term_signal()) : Json(nullptr);
  report["core"] = status && status->signaled() && status->core_dumped();
  report["zombie_of"] = sighting.what == What::Zombie ? Json(sighting.parent) : Json(nullptr);
  return line_of(std::move(report), waited);
}

std::string json_of_missing(const std::string& named, sys::Duration waited) {
  Json report;
  report["named"] = named;
  report["pid"] = nullptr;
  report["how"] = "missing";
  return line_of(std::move(report), waited);
}

std::optional<event::Event> event_of(const Sighting& sighting) {
  using event::Type;
  event::Event event{.at = sighting.at,
                     .pid = sighting.who.pid,
                     .ppid = sighting.parent,
                     .text = sighting.who.name};
  if (sighting.is_last) {
    const bool ended = sighting.what == What::Ended || sighting.what == What::Zombie;
    event.type = ended ? Type::Ended : Type::Unwatched;
    event.status = sighting.status ? sighting.status->raw() : event::kUnknownEnd;
    event.reaped = sighting.what == What::Ended;
    event.text = deed_text(sighting);
    return event;
  }
  switch (sighting.what) {
    case What::Found:
      event.type = Type::Watched;
      return event;
    case What::Zombie:
      event.type = Type::Zombie;
      return event;
    case What::Stopped:
      event.type = Type::Stopped;
      return event;
    case What::Continued:
      event.type = Type::Continued;
      return event;
    case What::Signalled:
      event.type = Type::Signal;
      event.status = sighting.signal;
      return event;
    case What::Ended:
    case What::Running:
    case What::Refused:
      break;
  }
  return std::nullopt;
}

std::string why_unknown(const Sighting& sighting) {
  if (!sighting.why_unknown.empty()) return sighting.why_unknown;
  if (sighting.what != What::Zombie) return kKernel;
  return "its parent has not reaped it, and it is not ours to inspect (--until reaped waits on)";
}

}  // namespace procrun::cmd
