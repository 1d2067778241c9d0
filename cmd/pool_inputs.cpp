#include "cmd/pool_inputs.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <random>
#include <utility>

#include "cmd/job_options.h"
#include "cmd/log.h"
#include "cmd/numbers.h"
#include "input/batches.h"
#include "input/columns.h"
#include "input/csv.h"
#include "input/delimiter.h"
#include "input/inputs.h"
#include "input/job_file.h"
#include "input/separator.h"
#include "sys/arguments.h"

namespace procrun::cmd {
namespace {

using Form = engine::Recipe::Form;

/// For what a jobserver adds to a job's environment, and what execve(2) puts beside it.
constexpr std::size_t kReserve = 4096;

std::uint64_t parse_many(const std::string& text) {
  return static_cast<std::uint64_t>(parse_count(text, 0));
}

void add_columns(Options& options, InputOptions& inputs) {
  options.value("-C,--colsep", "REGEX",
                "items have columns, parted by REGEX: {1} {2} (--csv: by a character)",
                [&](const std::string& text) { inputs.colsep = text; });
  options.flag("--csv", "items are comma-separated values as in RFC 4180", inputs.csv);
  options.value("--header", ":", "the first item of each source names its columns: {name}",
                [&](const std::string& text) {
                  if (text != ":") throw std::invalid_argument{"it can be : and nothing else"};
                  inputs.header = true;
                });
  options.flag("--link", "all sources advance together; the shorter begin anew", inputs.link);
}

void add_batches(Options& options, InputOptions& inputs) {
  const auto set = [&](const std::string& text) { inputs.max_args = parse_many(text); };
  options.value("-n,--max-args", "N",
                "at most N items a job, each a word; x{}y is repeated for each", set);
  options.value("-N", "N", "the same, {1} to {N} being the items (0: a job for each, without it)",
                set);
  options.flag("-X,--xargs", "as many items a job as fit; the last are spread over the slots",
               inputs.fill);
}

void add_selection(Options& options, InputOptions& inputs) {
  options.optional_value("--shuf", "SEED",
                         "at first, in random order, the same for a SEED; reads all input",
                         [&](const std::string& text) {
                           inputs.shuffle = true;
                           inputs.seed.reset();
                           if (!text.empty()) inputs.seed = parse_many(text);
                         });
  options.value("--skip", "N", "leave out the first N, which do not count: {#} begins with 1",
                [&](const std::string& text) { inputs.skip = parse_many(text); });
  options.value("--count", "N", "then take N; what follows is not read",
                [&](const std::string& text) { inputs.count = parse_many(text); });
  options.value("--partition", "slice:m/n",
                "then the m-th of n shares: every n-th (or hash:m/n: by their bytes)",
                [&](const std::string& text) { inputs.share = input::parse_share(text); });
}

char csv_separator(const InputOptions& options) {
  if (!options.colsep) return ',';
  try {
    const char separator = input::parse_delimiter(*options.colsep);
    if (separator != '"' && separator != options.delimiter) return separator;
  } catch (const std::invalid_argument& error) {
    throw UsageError{std::string{"--colsep with --csv: "} + error.what()};
  }
  throw UsageError{"--colsep with --csv: neither a quote nor what ends an item can part columns"};
}

/// How an item becomes columns; empty: it is one.
input::Split split_of(const InputOptions& options) {
  if (options.csv) {
    return [separator = csv_separator(options)](const std::string& item, input::Row& columns) {
      input::split_csv(item, separator, columns);
    };
  }
  if (!options.colsep) return nullptr;
  try {
    const auto separator = std::make_shared<const input::Separator>(*options.colsep);
    return [separator](const std::string& item, input::Row& columns) {
      separator->split(item, columns);
    };
  } catch (const std::invalid_argument& error) {
    throw UsageError{std::string{"--colsep: "} + error.what()};
  }
}

std::vector<input::SourceSpec> sources_of(const input::CommandLine& line,
                                          const InputOptions& options) {
  using Kind = input::SourceSpec::Kind;
  std::vector<input::SourceSpec> sources;
  for (const std::string& file : options.arg_files) {
    sources.push_back({.kind = Kind::Files, .words = {file}});
  }
  sources.insert(sources.end(), line.sources.begin(), line.sources.end());
  if (sources.empty()) sources.push_back({.kind = Kind::Files, .words = {"-"}});
  if (options.link) {
    for (auto& source : sources) source.linked = true;
  }
  return sources;
}

/// In the end every machine of a --partition has to have shuffled alike.
void refuse_contradictions(const InputOptions& options) {
  if (options.shuffle && options.share && !options.seed) {
    throw UsageError{"--partition of what --shuf shuffles needs a seed: --shuf=SEED"};
  }
}

std::uint64_t seed_of(const InputOptions& options) {
  if (options.seed) return *options.seed;
  const std::uint64_t seed = std::random_device{}() % std::numeric_limits<int>::max();
  log_debug(fmt::format("the order can be had again by --shuf={}", seed));
  return seed;
}

/// The stack that a job has, which bounds its arguments.
rlim_t stack_of(const job::Policy& policy) {
  rlimit stack{};
  ::getrlimit(RLIMIT_STACK, &stack);
  if (policy.place) {
    for (const Limit& limit : policy.place->limits) {
      if (limit.resource == RLIMIT_STACK) stack = limit.value;
    }
  }
  return stack.rlim_cur;
}

/// The bytes that a job's arguments may have.
std::size_t space_for(Form form, const job::Policy& policy) {
  std::size_t taken = kReserve;
  if (policy.env) {
    for (const auto& variable : *policy.env) taken += variable.size() + sys::kPerArgument;
  } else {
    taken += sys::space_of(environ);
  }
  constexpr auto kLongest = std::numeric_limits<unsigned>::max();
  const job::Job any{.seq = std::numeric_limits<std::uint64_t>::max(), .slot = kLongest};
  for (const char byte : job::environment_of(any, policy.variables, kLongest)) {
    taken += byte == '\0' ? sys::kPerArgument : 1;
  }
  const std::size_t space = sys::argument_space(stack_of(policy));
  const std::size_t left = space - std::min(space, taken);
  return form == Form::Shell ? std::min(left, sys::longest_argument() - 1) : left;
}

std::unique_ptr<input::Rows> selected(std::unique_ptr<input::Rows> rows,
                                      const InputOptions& options) {
  if (options.skip != 0) input::skip(*rows, options.skip);
  const bool may_be_named = options.skip != 0 && !options.job_file.empty();
  if (!options.count && !options.share && !may_be_named) return rows;
  return std::make_unique<input::Selection>(std::move(rows), options.count, options.share);
}

/// A job file says what the jobs are, and in which order: nothing else can.
void refuse_beside_job_file(const input::CommandLine& line, const InputOptions& options) {
  const std::pair<bool, const char*> others[] = {
      {!line.command.empty(), "a COMMAND"}, {!line.sources.empty(), "the sources behind :::"},
      {!options.arg_files.empty(), "-a"},   {options.delimiter != '\n', "-0 and -d"},
      {options.token != "{}", "-I"},        {options.colsep || options.csv, "-C and --csv"},
      {options.header, "--header"},         {options.link, "--link"},
      {options.batches(), "-n, -N and -X"}, {options.shuffle, "--shuf"},
  };
  for (const auto& [given, name] : others) {
    if (given) throw UsageError{std::string{"-f and "} + name + " exclude each other"};
  }
}

std::unique_ptr<input::Rows> rows_of_job_file(const InputOptions& options) {
  auto sources = input::open_sources(
      {{.kind = input::SourceSpec::Kind::Files, .words = {options.job_file}}}, {});
  const std::string name = options.job_file == "-" ? "stdin" : options.job_file;
  return selected(std::make_unique<input::JobFile>(std::move(sources.front().source), name),
                  options);
}

/// What can be read twice is read once for its errors, before anything is run.
PoolInputs open_job_file(const input::CommandLine& line, const InputOptions& options) {
  refuse_beside_job_file(line, options);
  std::error_code error;
  if (options.job_file != "-" && std::filesystem::is_regular_file(options.job_file, error)) {
    const auto rows = rows_of_job_file(options);
    for (input::Row row; input::await_next(*rows, row);) {
    }
  }
  return {.rows = rows_of_job_file(options)};
}

}  // namespace

void add_input_options(Options& options, InputOptions& inputs) {
  options.group("Inputs (else ::: VALUE..., :::: FILE...; else stdin, a line each)");
  options.action("-0,--null", "items end with NUL", [&] { inputs.delimiter = '\0'; });
  options.value("-d,--delimiter", "C", R"(items end with the character C, or \n \t \0 \xNN)",
                [&](const std::string& text) { inputs.delimiter = input::parse_delimiter(text); });
  options.value("-a,--arg-file", "FILE", "items come from FILE (-: stdin)",
                [&](const std::string& file) { inputs.arg_files.push_back(file); });
  options.value("-f,--job-file", "JOBS",
                "each line of JOBS (-: stdin) is a command line, or a job in JSON: "
                R"({"name","argv"|"shell","cwd","env","timeout","retries","after","cost"}; )"
                "# a comment, %% a barrier",
                [&](const std::string& file) { inputs.job_file = parse_path(file); });
  options.value("-I", "STR", "STR stands for {} (empty: no placeholders)",
                [&](const std::string& token) { inputs.token = token; });
  add_columns(options, inputs);
  add_batches(options, inputs);
  add_selection(options, inputs);
  options.flag("-r,--no-run-if-empty", "no effect: without items nothing is ever run",
               inputs.no_run_if_empty);
}

PoolInputs open_inputs(const input::CommandLine& line, const InputOptions& options) {
  refuse_contradictions(options);
  if (!options.job_file.empty()) return open_job_file(line, options);
  input::Records records{.delimiter = options.delimiter};
  if (options.csv) records.csv_separator = csv_separator(options);
  auto split = split_of(options);
  auto sources = input::open_sources(sources_of(line, options), records);
  PoolInputs inputs;
  input::Header header;
  if (options.header) {
    const auto whole = [](const std::string& item, input::Row& names) { names.push_back(item); };
    header = input::take_header(sources, split ? split : whole);
    inputs.names = header.names;
  }
  const auto pairing = options.link ? input::Pairing::Recycle : input::Pairing::Shortest;
  inputs.rows = std::make_unique<input::Inputs>(std::move(sources), pairing);
  if (split) {
    inputs.rows = std::make_unique<input::Columns>(std::move(inputs.rows), std::move(split),
                                                   std::move(header));
  }
  if (options.shuffle) inputs.rows = input::shuffled(*inputs.rows, seed_of(options));
  inputs.rows = selected(std::move(inputs.rows), options);
  return inputs;
}

std::unique_ptr<input::Rows> batched(std::unique_ptr<input::Rows> rows, const InputOptions& options,
                                     Form form, const input::Template& words,
                                     const job::Policy& policy, unsigned slots) {
  if (!options.batches()) return rows;
  if (form == Form::Lines && options.fill) throw UsageError{"-X needs a COMMAND"};
  input::Batches::Plan plan{
      .most = options.max_args.value_or(std::numeric_limits<std::size_t>::max()),
      .spread = options.fill ? slots : 1};
  if (form != Form::Lines) {
    const bool is_line = form == Form::Shell;
    plan.room.emplace(
        words, input::Room::Limits{
                   .measure = {.quoted = is_line, .per_word = is_line ? 1 : sys::kPerArgument},
                   .most = space_for(form, policy),
                   .longest_word = sys::longest_argument() - 1});
  }
  return std::make_unique<input::Batches>(std::move(rows), std::move(plan));
}

}  // namespace procrun::cmd
