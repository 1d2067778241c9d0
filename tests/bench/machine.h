#pragma once
// What is measured on, and who else is using it.
#include <sys/resource.h>

#include <string>

namespace procrun::bench {

struct Machine {
  std::string kernel;
  unsigned cpus = 0;
  double load = 0;  // of the last minute
};
Machine this_machine();

/// The CPU time that all processors have spent on anything, ours and others', since boot.
double busy_seconds();

/// User and system time together.
double cpu_seconds(const rusage& used);

/// What this process itself has spent.
double own_cpu_seconds();

}  // namespace procrun::bench
