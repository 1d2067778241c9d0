#include "input/command_line.h"

#include <fcntl.h>
#include <unistd.h>

#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "input/csv.h"
#include "sys/fd.h"

namespace procrun::input {
namespace {

std::optional<SourceSpec> separator(std::string_view word) {
  using Kind = SourceSpec::Kind;
  if (word == ":::") return SourceSpec{.kind = Kind::Values};
  if (word == "::::") return SourceSpec{.kind = Kind::Files};
  if (word == ":::+") return SourceSpec{.kind = Kind::Values, .linked = true};
  if (word == "::::+") return SourceSpec{.kind = Kind::Files, .linked = true};
  return std::nullopt;
}

/// O_NONBLOCK so that a FIFO without a writer is waited for like all else, by polling: the
/// description is ours alone.
std::unique_ptr<Source> open_file(const std::string& path, const Records& records) {
  const bool is_stdin = path == "-";
  const std::string name = is_stdin ? "standard input" : path;
  auto file =
      is_stdin ? sys::duplicate(STDIN_FILENO) : sys::open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  auto lines = from_file(std::move(file), records.delimiter, name);
  if (!records.csv_separator) return lines;
  return csv_records(std::move(lines), *records.csv_separator, records.delimiter, name);
}

}  // namespace

CommandLine split_sources(std::vector<std::string> words) {
  CommandLine line;
  for (auto& word : words) {
    if (auto source = separator(word)) {
      line.sources.push_back(std::move(*source));
    } else {
      auto& taker = line.sources.empty() ? line.command : line.sources.back().words;
      taker.push_back(std::move(word));
    }
  }
  return line;
}

std::vector<Inputs::Entry> open_sources(std::vector<SourceSpec> specs, const Records& records) {
  std::vector<Inputs::Entry> entries;
  bool stdin_is_taken = false;
  for (auto& spec : specs) {
    if (spec.kind == SourceSpec::Kind::Values) {
      entries.push_back({.source = from_values(std::move(spec.words)), .linked = spec.linked});
      continue;
    }
    for (const auto& path : spec.words) {
      if (path == "-" && std::exchange(stdin_is_taken, true)) {
        throw std::invalid_argument("standard input (-) can be only one of the sources");
      }
      entries.push_back({.source = open_file(path, records), .linked = spec.linked});
    }
  }
  return entries;
}

}  // namespace procrun::input
