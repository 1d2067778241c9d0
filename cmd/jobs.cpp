#include "cmd/jobs.h"

#include <sys/resource.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <stdexcept>

#include "input/shell.h"
#include "sys/cpus.h"

namespace procrun::cmd {
namespace {

constexpr long kMost = kMostJobs;
/// The front has four descriptors for each worker, and a few of its own.
constexpr long kFdsPerWorker = 5;
constexpr long kFdsOfOurs = 32;

struct Jobs {
  char sign = 0;  // + or -
  long number = 0;
  bool percent = false;
};

Jobs parse(const std::string& text) {
  Jobs jobs;
  const char* at = text.data();
  const char* end = at + text.size();
  if (at != end && (*at == '+' || *at == '-')) jobs.sign = *at++;
  if (at != end && end[-1] == '%') jobs.percent = (--end, true);
  const auto [stop, error] = std::from_chars(at, end, jobs.number);
  const bool digits = at != end && std::isdigit(static_cast<unsigned char>(*at)) != 0;
  if (!digits || error != std::errc{} || stop != end || jobs.number > kMost) {
    throw std::invalid_argument("'" + input::printable(text) +
                                "' is not a number of jobs (4, 50%, +2, -1; 0: as many as limits "
                                "allow)");
  }
  return jobs;
}

/// Each worker and its command are two processes; half of what is allowed is left to others.
unsigned as_many_as_allowed() {
  rlimit files{};
  rlimit processes{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  ::getrlimit(RLIMIT_NPROC, &processes);
  const auto bounded = [](rlim_t limit) {
    return limit == RLIM_INFINITY ? kMost : static_cast<long>(std::min<rlim_t>(limit, kMost));
  };
  const long by_files = (bounded(files.rlim_cur) - kFdsOfOurs) / kFdsPerWorker;
  const long by_processes = bounded(processes.rlim_cur) / 4;
  return static_cast<unsigned>(std::max(1L, std::min(by_files, by_processes)));
}

}  // namespace

void check_jobs(const std::string& text) { parse(text); }

unsigned count_jobs(const std::string& text) {
  if (text.empty()) return sys::usable_cpus();
  const Jobs jobs = parse(text);
  // Not for a mere number: it takes a dozen files of control groups to know.
  const long cpus = jobs.percent || jobs.sign != 0 ? static_cast<long>(sys::usable_cpus()) : 0;
  const long number = jobs.percent ? (cpus * jobs.number + 99) / 100 : jobs.number;
  if (jobs.sign == 0 && number == 0) return as_many_as_allowed();
  const long total = jobs.sign == '+' ? cpus + number : jobs.sign == '-' ? cpus - number : number;
  return static_cast<unsigned>(std::clamp(total, 1L, kMost));
}

}  // namespace procrun::cmd
