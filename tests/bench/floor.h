#pragma once
// What the floor programs share: the cheapest start of a child that there is, and ways to give up.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

static inline _Noreturn void give_up(const char* what) {
  perror(what);
  exit(1);
}

/// A number from 1 on, or the end.
static inline long count_from(const char* text) {
  const long count = atol(text);
  if (count < 1) {
    fprintf(stderr, "not a count: %s\n", text);
    exit(2);
  }
  return count;
}

/// vfork and execve; `out` becomes the child's stdout unless it is -1. Not inlined: nothing of the
/// caller's frame may change between vfork and exec.
static __attribute__((noinline)) pid_t start(char** argv, int out) {
  const pid_t pid = vfork();
  if (pid == 0) {
    if (out == -1 || dup2(out, 1) == 1) execve(argv[0], argv, environ);
    _exit(127);
  }
  if (pid == -1) give_up("vfork");
  return pid;
}

/// Waits for `pid` (-1: any child), which has to exit with 0.
static inline void reap(pid_t pid) {
  int status = 0;
  struct rusage used;
  if (wait4(pid, &status, 0, &used) == -1) give_up("wait4");
  if (status == 0) return;
  fprintf(stderr, "a child ended with status %d\n", status);
  exit(1);
}
