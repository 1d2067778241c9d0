#pragma once
// Waiting until a service in the background is ready.
#include "engine/background.h"
#include "engine/probe.h"

namespace procrun::engine {

/// How the wait ended.
struct ReadyEnd {
  enum class Kind : std::uint8_t {
    Ready,
    Ended,        // the command did, before it was ready: status
    Lost,         // its supervisor did, and nobody knows the status
    TimedOut,     // it runs
    Interrupted,  // by a signal to us; it runs
  };
  Kind kind = Kind::Ready;
  ExitStatus status = ExitStatus{};
  int signal = 0;
};

/// Waits until the command is ready, by `probe` or (null) because it says so. One that ended well
/// may have left a daemon behind, which is waited for as long as anything of its tree lives; any
/// other end counts before readiness that is seen at the same time. INT, TERM, HUP and QUIT, which
/// must be blocked, interrupt the wait. Blocks up to `deadline`.
ReadyEnd wait_until_ready(Background& background, Probe* probe, sys::Deadline deadline);

/// Has the job ended, and waits until nothing of it is left. Signals as above have it killed.
void stop_and_wait(Background& background);

}  // namespace procrun::engine
