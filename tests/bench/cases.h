#pragma once
// What is measured.
#include <string>
#include <vector>

#include "bench/budget.h"
#include "bench/contender.h"

namespace procrun::bench {

struct Case {
  std::string name;
  std::string about;
  int rounds = 0;
  std::vector<Contender> contenders;  // the first is what the others are compared with
  std::vector<Budget> budgets;
};

struct Setup {
  int rounds = 7;       // of a case whose runs take seconds; short ones get more
  bool quick = false;   // fewer jobs
  std::string scratch;  // a directory for the files that contenders read and write
};

/// All cases; their input files are written to the scratch directory.
std::vector<Case> all_cases(const Setup& setup);

}  // namespace procrun::bench
