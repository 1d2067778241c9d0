#pragma once
// How a row of items becomes a job.
#include <cstdint>
#include <string>
#include <vector>

#include "input/json_job.h"
#include "input/placeholders.h"
#include "job/job.h"

namespace procrun::engine {

/// A command with placeholders, and whether a shell runs it.
class Recipe {
 public:
  enum class Form {
    Exec,   // the words are executed as they are
    Shell,  // the words are a line for the shell, inserted values quoted
    Lines,  // there is no command: each item is a command line
  };

  Recipe(Form form, input::Template words, std::string shell)
      : form_{form}, template_{std::move(words)}, shell_{std::move(shell)} {}

  /// The job for `row`. Throws std::invalid_argument where it cannot be one (an item with
  /// a NUL byte).
  job::Job make(const std::vector<std::string>& row, std::uint64_t seq, unsigned slot) const;
  /// The job that is described so: the command is its own, none of this recipe.
  job::Job make_json(const input::JsonJob& json, std::uint64_t seq, unsigned slot) const;
  /// What the job is called before people: one line, cut where nobody would read on.
  std::string text(const job::Job& job) const;
  /// The job as one could paste it into a shell, with its own directory and environment.
  std::string pasteable(const job::Job& job) const;

 private:
  Form form_;
  input::Template template_;
  std::string shell_;
};

/// The command of several words, or the line of one that needs a shell, as its argv.
std::vector<std::string> shell_argv(const std::string& shell, std::string line);

/// `$PROCRUN_SHELL`, else /bin/sh.
std::string default_shell();

}  // namespace procrun::engine
