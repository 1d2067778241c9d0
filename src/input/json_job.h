#pragma once
// A job as one line of JSON:
//   {"name":TEXT, "argv":[TEXT...] | "shell":TEXT, "cwd":DIR, "env":{K:TEXT|null}, "timeout":D|N,
//    "retries":N, "after":TEXT|[TEXT...], "cost":N}
// of which either argv or shell has to be there.
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace procrun::input {

/// What such a line says. What it does not is as for all jobs of the run.
struct JsonJob {
  std::string place = {};              // FILE:LINE, for errors
  std::string name = {};               // by which others can be after it; empty: none
  std::vector<std::string> argv = {};  // executed as it is; empty: shell
  std::string shell = {};              // a line for the shell
  std::string cwd = {};
  /// Variables that are set, or taken out of the environment; sorted by name.
  std::vector<std::pair<std::string, std::optional<std::string>>> env = {};
  std::optional<std::chrono::nanoseconds> timeout = std::nullopt;  // zero: none
  std::optional<unsigned> retries = std::nullopt;                  // attempts after the first
  /// Names of jobs that must have ended well before it starts, each once.
  std::vector<std::string> after = {};
  unsigned cost = 1;  // so many of the places for jobs it takes

  /// What stands for it where other jobs have an item: its name, else its command.
  std::string label() const;
};

/// Whether a line of a job file (without the blanks at its ends) is meant as JSON: it begins with
/// `{`, and what follows that, white space aside, is `"`, `}` or nothing. A group of the shell that
/// begins so needs a `:;` before it.
bool is_json_job(std::string_view line);

/// The job that `line` is; its place is left empty. Throws std::invalid_argument, in one line that
/// says what is wrong with which member and how it would be right.
JsonJob parse_json_job(std::string_view line);

}  // namespace procrun::input
