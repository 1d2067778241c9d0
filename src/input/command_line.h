#pragma once
// What follows pool's options: a command, and where its items come from.
#include <optional>
#include <string>
#include <vector>

#include "input/inputs.h"

namespace procrun::input {

/// What one of the words `:::` (values), `::::` (files), `:::+` and `::::+` (linked to the source
/// before) introduced: the words up to the next of them. Each file is a source of its own.
struct SourceSpec {
  enum class Kind { Values, Files };
  Kind kind = Kind::Values;
  bool linked = false;
  std::vector<std::string> words = {};
};

struct CommandLine {
  std::vector<std::string> command;
  std::vector<SourceSpec> sources;
};

/// Splits `words` at the words `:::`, `::::`, `:::+` and `::::+`. Without any, all is the command.
CommandLine split_sources(std::vector<std::string> words);

/// How a file is cut into items.
struct Records {
  char delimiter = '\n';  // ends each
  /// Between the fields of comma-separated values, whose quotes may hold delimiters.
  std::optional<char> csv_separator = std::nullopt;
};

/// The sources that `specs` name, in their order, for Inputs. Files hold `records`; `-` is standard
/// input, which stays open and can be named but once (else std::invalid_argument). Opening does not
/// wait for a FIFO's writer. Throws std::system_error for a file that cannot be opened.
std::vector<Inputs::Entry> open_sources(std::vector<SourceSpec> specs, const Records& records);

}  // namespace procrun::input
