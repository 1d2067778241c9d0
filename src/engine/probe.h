#pragma once
// How one finds out that a service is ready.
#include <memory>
#include <string>
#include <vector>

#include "sys/clock.h"
#include "sys/signals.h"

namespace procrun::engine {

/// Looks whether a service is ready: when its descriptor says so, else again and again.
class Probe {
 public:
  virtual ~Probe() = default;
  /// Looks once. Blocks no longer than a second, and that only for a machine that does not answer.
  virtual bool ready() = 0;
  /// Readable when it is worth while to look; -1: look again after pause().
  virtual int fd() const { return -1; }
  virtual sys::Duration pause() const { return std::chrono::milliseconds{20}; }
};

/// What a service has to do to count as ready.
struct ReadyRule {
  enum class Kind : std::uint8_t { Port, Line, File, Command, Notify };
  Kind kind = Kind::Port;
  std::string text = {};  // host, regular expression, path or command line
  int port = 0;
};

/// `port:[HOST:]PORT`, `line:REGEX`, `file:PATH`, `cmd:LINE`, `notify`. HOST is an address or
/// localhost. Throws std::invalid_argument, showing the forms.
ReadyRule parse_ready(const std::string& text);

/// The probe for a rule; none for Notify. To be made before the service is started: what is there
/// by then is no sign of it, and throws std::runtime_error where it could not be told from one (a
/// port that answers already). `logs` are the files that the service's output goes to.
std::unique_ptr<Probe> make_probe(const ReadyRule& rule, const std::vector<std::string>& logs,
                                  const sys::SignalState& signals);

}  // namespace procrun::engine
