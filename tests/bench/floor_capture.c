// The floor of grouped output: N commands, J in flight, the stdout of each read from a pipe of PIPE
// bytes (256 KiB at most at a time) into a buffer that is used again, and written in one piece when
// it has ended. One process: vfork, execve, poll, read, write, wait4.
//   floor_capture N J PIPE PROGRAM [ARG]...     PROGRAM is a path
#define _GNU_SOURCE
#include "floor_pipes.h"

enum { kRead = 262144 };

static void put(const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t written = write(1, bytes, size);
    if (written == -1) give_up("write");
    bytes += written;
    size -= (size_t)written;
  }
}

static ssize_t keep(struct place* place, int fd, size_t pipe_size) {
  (void)pipe_size;
  if (place->room - place->size < kRead) {
    place->room = place->room == 0 ? kRead : place->room * 2;
    place->bytes = realloc(place->bytes, place->room);
    if (place->bytes == NULL) give_up("realloc");
  }
  const ssize_t got = read(fd, place->bytes + place->size, kRead);
  if (got == -1) give_up("read");
  place->size += (size_t)got;
  if (got == 0) put(place->bytes, place->size);
  return got;
}

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  run_through_pipes(argv, keep);
  return 0;
}
