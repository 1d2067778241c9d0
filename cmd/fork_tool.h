#pragma once
// `fork` with COMMAND: starts it in the background and lets it go.
#include <optional>
#include <string>
#include <vector>

#include "cmd/fork_jobs.h"
#include "cmd/fork_lesson.h"
#include "cmd/job_options.h"
#include "cmd/shared.h"
#include "cmd/timeline.h"
#include "engine/probe.h"

namespace procrun::cmd {

struct ForkOptions {
  Shared shared;
  ForkLesson lesson;
  JobOptions job;
  std::string name;
  std::string pidfile;
  std::string out;
  std::string err;
  bool append = false;
  bool inherit_stdio = false;
  bool die_with_parent = false;
  std::optional<engine::ReadyRule> ready;
  std::optional<sys::Duration> ready_timeout = std::chrono::seconds{60};
  JobsOptions jobs;
  std::string events;  // these two are the lesson's as well
  TimelineOptions timeline;
};

/// Starts the command, waits until it is ready if that was asked for, and prints its pid; the exit
/// code.
int let_go(const std::vector<std::string>& command, const ForkOptions& options, const Given& given);

}  // namespace procrun::cmd
