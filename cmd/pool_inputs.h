#pragma once
// What a pool's inputs can be: the options that say so, and the rows that they make.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cmd/options.h"
#include "engine/recipe.h"
#include "input/command_line.h"
#include "input/rows.h"
#include "input/selection.h"
#include "job/job.h"

namespace procrun::cmd {

struct InputOptions {
  char delimiter = '\n';
  std::vector<std::string> arg_files;
  std::string job_file;
  std::string token = "{}";
  std::optional<std::string> colsep;
  bool csv = false;
  bool header = false;
  bool link = false;
  std::optional<std::size_t> max_args;
  bool fill = false;  // -X
  std::uint64_t skip = 0;
  std::optional<std::uint64_t> count;
  bool shuffle = false;
  std::optional<std::uint64_t> seed;
  std::optional<input::Share> share;
  bool no_run_if_empty = false;

  /// Whether a job may get several rows.
  bool batches() const noexcept { return fill || max_args; }
};

void add_input_options(Options& options, InputOptions& inputs);

/// The rows that were asked for, and the names of their columns.
struct PoolInputs {
  std::unique_ptr<input::Rows> rows;
  std::vector<std::string> names = {};
};

/// Opens the job file, or the sources of `line`, else those of the options, else stdin. Reads what
/// has to be read before the first job is known (a header, what is skipped, all that is shuffled),
/// and blocks on that: to be called while a signal may just kill us. Throws UsageError, and what
/// the sources throw.
PoolInputs open_inputs(const input::CommandLine& line, const InputOptions& options);

/// What -n, -N and -X make of `rows`, for a command that `words` make and `policy` runs, in so many
/// slots.
std::unique_ptr<input::Rows> batched(std::unique_ptr<input::Rows> rows, const InputOptions& options,
                                     engine::Recipe::Form form, const input::Template& words,
                                     const job::Policy& policy, unsigned slots);

}  // namespace procrun::cmd
