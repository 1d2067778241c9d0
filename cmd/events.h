#pragma once
// --events: a run's events, as they happen, for another program.
#include <memory>
#include <string>

#include "cmd/options.h"
#include "event/event.h"
#include "job/job.h"
#include "sys/fd.h"

namespace procrun::cmd {

/// Declares it. `target` becomes what it is given: a file's path, or fd:N.
void add_events(Options& options, std::string& target);

/// The sink that writes there; null where nobody asked. A file is written anew. What is given as
/// fd:N stays open and is ours: commands do not get it, unless it is stdout or stderr. Blocks while
/// a fifo has no reader, so it is to be called before signals are blocked. Throws UsageError where
/// the policy hands the descriptor on.
/// Without `run_id` the run gets a name of its own.
std::unique_ptr<event::Sink> open_events(const std::string& target, const job::Policy& policy,
                                         const std::string& run_id = {});

/// The same in two steps, for who has to keep the file: it, empty where nobody asked; and its sink.
sys::Fd open_events_file(const std::string& target, const job::Policy& policy);
std::unique_ptr<event::Sink> make_events(const std::string& target, sys::Fd file,
                                         const std::string& run_id = {});

/// Names this run among all.
std::string make_run_id();

}  // namespace procrun::cmd
