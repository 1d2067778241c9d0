#include "job/job.h"

namespace procrun::job {

StopPlan default_stop_plan() {
  return {{SIGTERM, std::chrono::seconds{10}}, {SIGKILL, sys::Duration::zero()}};
}

std::string Outcome::text() const {
  switch (kind) {
    case Kind::Ended:
      return status.text();
    case Kind::TimedOut:
      return "timed out: " + status.text();
    case Kind::Cancelled:
      return pid == 0 ? "cancelled" : "cancelled: " + status.text();
    case Kind::CouldNotStart:
    case Kind::Lost:
      return why;
  }
  return why;
}

}  // namespace procrun::job
