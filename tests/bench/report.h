#pragma once
// What a race said: as a table for people, as JSON for programs.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/cases.h"
#include "bench/machine.h"
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
  /// The part of the processors that was taken by others than the contenders. From a tenth on the
  /// ratios say little: who has more processes gets more of a crowded machine.
  double others = 0;

  bool missed() const;
  bool disturbed() const;
};

/// Runs the contenders that are installed and compares with the budgets. Blocks; throws as run().
Finding examine(const Case& to_run);

void print(const Machine& machine);
void print(const Finding& finding);

nlohmann::json to_json(const Machine& machine, const Setup& setup,
                       const std::vector<Finding>& findings);

}  // namespace procrun::bench
