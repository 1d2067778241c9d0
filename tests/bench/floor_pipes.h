#pragma once
// The part that the floors of output share: N commands, J in flight, the stdout of each a pipe.
#include <fcntl.h>
#include <poll.h>

#include "floor.h"

/// One of the J places: a child, its output, and a buffer that outlives it.
struct place {
  pid_t pid;
  char* bytes;
  size_t size;
  size_t room;
};

/// Takes from `fd` what it holds; 0 when that was the end.
typedef ssize_t take(struct place* place, int fd, size_t pipe_size);

static inline void begin(struct place* place, struct pollfd* source, char** argv, int pipe_size) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) == -1) give_up("pipe2");
  // 64 KiB is what a pipe has anyway.
  if (pipe_size > 65536 && fcntl(ends[0], F_SETPIPE_SZ, pipe_size) == -1) give_up("F_SETPIPE_SZ");
  place->pid = start(argv, ends[1]);
  place->size = 0;
  close(ends[1]);
  source->fd = ends[0];
  source->events = POLLIN;
}

/// Runs argv[1] times argv[4...], argv[2] in flight, through pipes of argv[3] bytes.
static inline void run_through_pipes(char** argv, take* take_from) {
  const long jobs = count_from(argv[1]);
  const long places = count_from(argv[2]);
  const int pipe_size = (int)count_from(argv[3]);
  struct place* all = calloc((size_t)places, sizeof *all);
  struct pollfd* sources = calloc((size_t)places, sizeof *sources);
  if (all == NULL || sources == NULL) give_up("calloc");
  long started = 0;
  for (long i = 0; i < places; ++i) sources[i].fd = -1;
  for (; started < jobs && started < places; ++started) {
    begin(&all[started], &sources[started], argv + 4, pipe_size);
  }
  for (long ended = 0; ended < jobs;) {
    if (poll(sources, (nfds_t)places, -1) == -1) give_up("poll");
    for (long i = 0; i < places; ++i) {
      if (sources[i].fd == -1 || sources[i].revents == 0) continue;
      if (take_from(&all[i], sources[i].fd, (size_t)pipe_size) > 0) continue;
      close(sources[i].fd);
      sources[i].fd = -1;
      reap(all[i].pid);
      ++ended;
      if (started < jobs) ++started, begin(&all[i], &sources[i], argv + 4, pipe_size);
    }
  }
}
