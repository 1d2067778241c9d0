#pragma once
// One command run as an init does: every signal is passed on, the terminal is lent to it, whatever
// is orphaned below it is reaped.
#include <map>
#include <string>

#include "event/bus.h"
#include "job/supervise.h"
#include "sys/outlet.h"

namespace procrun::engine {

/// What `wait` was asked for.
struct InitPlan {
  job::Job job;
  job::Policy policy;  // its group and terminal are chosen here
  std::string text;    // what the command is called before people
  std::string name;    // what its process is called
  /// Signals that are passed on as others; 0: not at all.
  std::map<int, int> rewrite = {};
  bool session = false;  // the command leads a session of its own
};

/// Runs the command and returns when it has ended, and what it left behind too, as the policy has
/// it. sys::every_signal() must be blocked, and this process be the one that adopts orphans. `err`
/// is where the bus's sinks write.
///
/// The command gets a process group of its own: in the foreground of the terminal, if we stand
/// there and have it to ourselves. It shares ours where the terminal would have to be lent over the
/// heads of others: in a pipeline, in a script, in the background. Where it is stopped by the
/// terminal, we stop with it, and where we are continued, it is.
job::Outcome run_as_init(InitPlan plan, const event::Bus& bus, sys::Outlet* err);

}  // namespace procrun::engine
