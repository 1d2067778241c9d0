#pragma once
// What a race said: as a table for people, as JSON for programs.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/race.h"

namespace procrun::bench {

enum class Verdict { Ok, Missed, Skipped };

struct Judged {
  Budget budget;
  Verdict verdict = Verdict::Skipped;
  double figure = 0;  // where it was not skipped
};

/// A case that was run.
struct Finding {
  Case ran;
  Results results;
  std::vector<std::string> absent;  // contenders whose program is not installed
  std::vector<Judged> judged;

  bool missed() const;
};

/// Runs the contenders that are installed and compares with the budgets. Blocks; throws as run().
Finding examine(const Case& to_run);

/// What was measured on: kernel, processors, the load that others make.
struct Machine {
  std::string kernel;
  unsigned cpus = 0;
  double load = 0;
};
Machine this_machine();

void print(const Machine& machine);
void print(const Finding& finding);

nlohmann::json to_json(const Machine& machine, const Setup& setup,
                       const std::vector<Finding>& findings);

}  // namespace procrun::bench
