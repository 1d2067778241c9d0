#include "bench/machine.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "sys/cpus.h"

namespace procrun::bench {

Machine this_machine() {
  utsname name{};
  ::uname(&name);
  double load = 0;
  ::getloadavg(&load, 1);
  return {name.release, sys::usable_cpus(), load};
}

double busy_seconds() {
  std::ifstream file{"/proc/stat"};
  std::string cpu;
  double user = 0, nice = 0, system = 0, idle = 0, waiting = 0, irq = 0, softirq = 0, stolen = 0;
  file >> cpu >> user >> nice >> system >> idle >> waiting >> irq >> softirq >> stolen;
  const double ticks = user + nice + system + irq + softirq + stolen;
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double cpu_seconds(const rusage& used) {
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

double own_cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return cpu_seconds(used);
}

}  // namespace procrun::bench
