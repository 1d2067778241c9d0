#include "bench/memory.h"

#include <fmt/core.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

namespace procrun::bench {
namespace {

std::filesystem::path program_of(pid_t pid) {
  std::error_code error;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/exe", pid), error);
}

double pss_mib(pid_t pid) {
  std::ifstream file{fmt::format("/proc/{}/smaps_rollup", pid)};
  for (std::string word; file >> word;) {
    double kib = 0;
    if (word == "Pss:" && file >> kib) return kib / 1024;
  }
  return 0;
}

}  // namespace

double pss_mib_of(pid_t pid) {
  const auto program = program_of(pid);
  double sum = pss_mib(pid);
  std::ifstream children{fmt::format("/proc/{0}/task/{0}/children", pid)};
  for (pid_t child = 0; children >> child;) {
    if (program_of(child) == program) sum += pss_mib(child);
  }
  return sum;
}

}  // namespace procrun::bench
