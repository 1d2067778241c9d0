#include "engine/stop_job.h"

#include <signal.h>

#include "job/deadlines.h"
#include "job/foreign_tree.h"

namespace procrun::engine {
namespace {

using sys::Clock;

/// So long who was killed may take to go.
constexpr auto kUnkillable = std::chrono::seconds{5};
/// Between two sweeps over a tree that has been killed and is not gone.
constexpr auto kSweepAgain = std::chrono::milliseconds{200};

bool kill_all(job::ForeignTree& tree) {
  const auto deadline = Clock::now() + kUnkillable;
  do {
    tree.kill();
    if (tree.wait_until_gone(Clock::now() + kSweepAgain)) return true;
  } while (Clock::now() < deadline);
  return false;
}

}  // namespace

bool stop_job(const state::Record& record, const job::StopPlan& plan) {
  using Root = job::ForeignTree::Root;
  const bool supervised = sys::is_alive(record.supervisor);
  job::ForeignTree tree{supervised ? record.supervisor : record.command,
                        supervised ? Root::Spared : Root::Included};
  for (const job::StopStep& step : plan) {
    if (step.signal == SIGKILL) return kill_all(tree);
    tree.signal(step.signal);
    if (tree.wait_until_gone(job::after(Clock::now(), step.wait))) return true;
  }
  return false;
}

}  // namespace procrun::engine
