#pragma once
// One command that takes part in a race, and one run of it.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace procrun::bench {

/// Where a contender's stdout goes.
enum class Sink {
  Null,     // /dev/null
  Pipe,     // a pipe that we read to its end
  Seconds,  // a pipe too; the contender took its own time and prints it
};

struct Contender {
  std::string name;
  std::vector<std::string> argv;    // the first is looked up in PATH unless it has a slash
  long jobs = 1;                    // how many one run does
  long long job_bytes = 0;          // what each of them writes
  std::string input = "/dev/null";  // the file that is its stdin
  std::string errors = {};          // the file that takes its stderr; empty: ours
  Sink sink = Sink::Null;
  /// How often the memory of the program and its workers is looked at; zero: never, since it costs.
  std::chrono::milliseconds watch{0};
};

struct Run {
  double seconds = 0;
  double cpu_seconds = 0;            // its own, and that of all that it waited for
  std::vector<double> pss_mib = {};  // in the order in which they were taken
};

/// Where PATH has it; empty where it has not.
std::optional<std::string> find_program(const std::string& name);

/// Runs it once. Blocks, with no deadline: who waits at the terminal can interrupt. Throws
/// std::runtime_error where it fails or does not write what it should.
Run run(const Contender& contender);

}  // namespace procrun::bench
