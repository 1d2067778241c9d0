#pragma once
// --pipe: blocks of one stream of bytes are what the jobs get on stdin.
#include <cstdint>
#include <memory>
#include <optional>

#include "cmd/options.h"
#include "cmd/pool_inputs.h"
#include "input/command_line.h"
#include "input/rows.h"

namespace procrun::cmd {

struct PipeOptions {
  bool wanted = false;
  std::optional<std::uint64_t> block;
};

void add_pipe_options(Options& options, PipeOptions& pipe);

/// Refuses --block alone.
void check(const PipeOptions& pipe);

/// The blocks of stdin, or of the one file of -a or ::::, for the jobs of `line`. Opens it, and
/// reads nothing yet. Throws UsageError where the options contradict each other, std::system_error
/// where the file cannot be opened.
std::unique_ptr<input::Rows> open_blocks(const input::CommandLine& line,
                                         const InputOptions& options, const PipeOptions& pipe);

}  // namespace procrun::cmd
