// The floor of large output: N commands, J in flight, the stdout of each spliced from a pipe of
// PIPE bytes to ours as it comes. The bytes never enter this process, and nothing is grouped.
//   floor_splice N J PIPE PROGRAM [ARG]...     PROGRAM is a path
#define _GNU_SOURCE
#include "floor_pipes.h"

static ssize_t pass_on(struct place* place, int fd, size_t pipe_size) {
  (void)place;
  const ssize_t moved = splice(fd, NULL, 1, NULL, pipe_size, SPLICE_F_MOVE);
  if (moved == -1) give_up("splice");
  return moved;
}

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  run_through_pipes(argv, pass_on);
  return 0;
}
