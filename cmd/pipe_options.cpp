#include "cmd/pipe_options.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <utility>

#include "input/blocks.h"
#include "input/quantity.h"
#include "sys/fd.h"

namespace procrun::cmd {
namespace {

std::uint64_t parse_block(const std::string& text) {
  const auto size = input::parse_size(text);
  if (size == 0) throw std::invalid_argument{"a block has at least 1 byte"};
  return size;
}

void refuse_beside_pipe(const input::CommandLine& line, const InputOptions& options) {
  if (line.command.empty()) throw UsageError{"--pipe needs a COMMAND that reads the blocks"};
  const std::pair<bool, const char*> others[] = {
      {!options.job_file.empty(), "-f"},
      {options.colsep || options.csv, "-C and --csv"},
      {options.header, "--header"},
      {options.link, "--link"},
      {options.fill, "-X"},
      {options.shuffle, "--shuf"},
      {options.skip != 0, "--skip"},
      {options.count.has_value(), "--count"},
      {options.share.has_value(), "--partition"},
  };
  for (const auto& [given, name] : others) {
    if (given) throw UsageError{std::string{"--pipe and "} + name + " exclude each other"};
  }
}

/// Where the bytes come from.
std::string path_of(const input::CommandLine& line, const InputOptions& options) {
  using Kind = input::SourceSpec::Kind;
  std::vector<std::string> paths = options.arg_files;
  for (const auto& source : line.sources) {
    if (source.kind == Kind::Values) {
      throw UsageError{
          "--pipe gives the jobs the bytes of stdin, or of one file (-a FILE, :::: FILE): there "
          "can be no ::: values"};
    }
    paths.insert(paths.end(), source.words.begin(), source.words.end());
  }
  if (paths.size() > 1) throw UsageError{"--pipe takes the bytes of one file: say cat FILE... |"};
  return paths.empty() ? "-" : paths.front();
}

input::Blocks::Cut cut_of(const InputOptions& options, const PipeOptions& pipe) {
  input::Blocks::Cut cut{.delimiter = options.delimiter};
  if (pipe.block) cut.size = *pipe.block;
  if (!options.max_args) return cut;
  if (pipe.block) {
    throw UsageError{"--block and -N exclude each other: each says how much a job gets"};
  }
  if (*options.max_args == 0) throw UsageError{"-N with --pipe: a job gets at least 1 record"};
  cut.records = *options.max_args;
  return cut;
}

}  // namespace

void add_pipe_options(Options& options, PipeOptions& pipe) {
  options.flag("--pipe",
               "cut stdin (or one -a FILE) into blocks of whole lines: each is a job's stdin",
               pipe.wanted);
  options.value("--block", "SIZE",
                "of about so many bytes (1M); -N N: of N lines instead; -0, -d: what ends a line",
                [&](const std::string& text) { pipe.block = parse_block(text); });
}

void check(const PipeOptions& pipe) {
  if (pipe.block && !pipe.wanted) throw UsageError{"--block needs --pipe"};
}

std::unique_ptr<input::Rows> open_blocks(const input::CommandLine& line,
                                         const InputOptions& options, const PipeOptions& pipe) {
  refuse_beside_pipe(line, options);
  const std::string path = path_of(line, options);
  const auto cut = cut_of(options, pipe);
  // As a source of items is opened: a FIFO without a writer is waited for by polling.
  const bool is_stdin = path == "-";
  auto file =
      is_stdin ? sys::duplicate(STDIN_FILENO) : sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  return std::make_unique<input::Blocks>(std::move(file), is_stdin ? "standard input" : path, cut);
}

}  // namespace procrun::cmd
