// The floor of running N short commands, J of them in flight: one process that does vfork, execve
// and wait4, and nothing else. It captures nothing, groups nothing, records nothing.
//   floor_spawn N J PROGRAM [ARG]...     PROGRAM is a path
#define _GNU_SOURCE
#include "floor.h"

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const long jobs = count_from(argv[1]);
  const long places = count_from(argv[2]);
  for (long started = 0; started < jobs; ++started) {
    if (started >= places) reap(-1);
    start(argv + 3, -1);
  }
  for (long left = jobs < places ? jobs : places; left > 0; --left) reap(-1);
  return 0;
}
