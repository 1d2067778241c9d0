#pragma once
// The options of pool.
#include <optional>
#include <string>

#include "cmd/end_options.h"
#include "cmd/job_options.h"
#include "cmd/pipe_options.h"
#include "cmd/pool_inputs.h"
#include "cmd/pool_lesson.h"
#include "cmd/progress_options.h"
#include "cmd/records.h"
#include "cmd/shared.h"
#include "cmd/start_options.h"
#include "cmd/timeline.h"

namespace procrun::cmd {

struct PoolOptions {
  Shared shared;
  std::string jobs;
  std::string jobs_file;  // where that comes from, and may change
  PoolLesson lesson;
  InputOptions inputs;
  PipeOptions pipe;
  bool keep_order = false;
  bool ungroup = false;
  bool group = false;
  bool by_line = false;
  bool merge = false;
  std::string results;
  bool tag = false;
  std::optional<std::string> tag_string;
  bool dry_run = false;
  ProgressOptions progress;
  StartOptions start;
  EndOptions end;
  RecordOptions records;
  std::string events;
  TimelineOptions timeline;
  bool jobserver = false;
  bool tty = false;
  std::string slot_variable;
  JobOptions job;
};

/// The caller keeps `pool` alive until they have been parsed.
void add_pool_options(Options& options, PoolOptions& pool);

/// What --tty means for the others: there is one terminal, and what a job writes to it goes nowhere
/// else unless it is asked for. Throws UsageError where they contradict it.
void apply_tty(PoolOptions& pool);

/// Throws UsageError where options exclude each other.
void check(const PoolOptions& options);

}  // namespace procrun::cmd
