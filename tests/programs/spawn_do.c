// Does what its arguments say, one after the other, and exits with 0 behind the last:
//   out:TEXT err:TEXT      a line in one write to stdout or stderr; raw:TEXT: without its newline
//   ms:N burn:N pause      sleeps, burns CPU time, sleeps until a signal ends it
//   exit:N kill:N          ends
//   ignore:N close:FD      ignores a signal; closes a descriptor
//   fork{ … } orphan{ … }  a child, or an orphan in a session of its own, does that and exits;
//   wait                   until there is no child left
//   tick:FILE              appends the monotonic time in ns, a line
//   unless:N:CODE:FILE     exits with CODE while FILE has less than N lines
//   until:FILE             sleeps until FILE is there
//   all read:N             reads stdin to its end, or N bytes of it, and prints its size and sum
//   flood:N alternate:N    N bytes to stdout in lines; N numbered lines, by turns to both streams
//   bigpipe                makes the pipe that is its stdout hold 1 MiB
//   fds                    prints which descriptors are open
//   told                   prints each signal that it gets, up to TERM: then it exits with 7
//   heir                   waits for TERM, then has a child and exits; the child sleeps on
//   root                   becomes root for good, if it is setuid
//   append:FILE:TEXT       appends a line
// Whatever happens, it does not live longer than a minute.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void put(int fd, const char* text, size_t size) {
  while (size > 0) {
    const ssize_t written = write(fd, text, size);
    if (written <= 0) _exit(99);
    text += written;
    size -= (size_t)written;
  }
}

static void put_line(int fd, const char* text) {
  char line[8192];
  const int size = snprintf(line, sizeof line, "%s\n", text);
  put(fd, line, (size_t)size < sizeof line ? (size_t)size : sizeof line - 1);
}

static long long now(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void sleep_for(long ms) {
  struct timespec left = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&left, &left) == -1) {
  }
}

static void append(const char* path, const char* line) {
  const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd == -1) _exit(98);
  put_line(fd, line);
  close(fd);
}

static long lines_in(const char* path) {
  FILE* const file = fopen(path, "r");
  long lines = 0;
  for (int byte; file != NULL && (byte = getc(file)) != EOF;) lines += byte == '\n';
  if (file != NULL) fclose(file);
  return lines;
}

static void unless(const char* rest) {
  char* end;
  const long wanted = strtol(rest, &end, 10);
  const long code = strtol(end + 1, &end, 10);
  if (lines_in(end + 1) < wanted) _exit((int)code);
}

static void read_stdin(unsigned long most) {
  static char block[65536];
  unsigned long size = 0;
  unsigned long sum = 0;
  while (size < most) {
    const unsigned long left = most - size;
    const ssize_t got = read(0, block, left < sizeof block ? left : sizeof block);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) sum = sum * 31 + (unsigned char)block[i];
    size += (unsigned long)got;
  }
  char line[80];
  snprintf(line, sizeof line, "%lu %lu", size, sum);
  put_line(1, line);
}

static void flood(long size) {
  static char block[65536];
  memset(block, 'x', sizeof block);
  for (size_t i = 63; i < sizeof block; i += 64) block[i] = '\n';
  for (; size > 0; size -= (long)sizeof block) {
    put(1, block, size < (long)sizeof block ? (size_t)size : sizeof block);
  }
}

static void print_fds(void) {
  char line[8192] = "";
  size_t size = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) == -1) continue;
    size += (size_t)snprintf(line + size, sizeof line - size, size == 0 ? "%d" : " %d", fd);
  }
  put_line(1, line);
}

static void tell_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigdelset(&all, SIGALRM);
  sigprocmask(SIG_SETMASK, &all, NULL);
  put_line(1, "ready");
  for (;;) {
    int told = 0;
    if (sigwait(&all, &told) != 0) _exit(97);
    char line[40];
    snprintf(line, sizeof line, "told %d", told);
    put_line(1, line);
    if (told == SIGTERM) _exit(7);
  }
}

static void leave_heir(void) {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigprocmask(SIG_BLOCK, &term, NULL);
  int told = 0;
  if (sigwait(&term, &told) != 0) _exit(93);
  if (fork() != 0) _exit(0);
  sigprocmask(SIG_UNBLOCK, &term, NULL);
  for (;;) pause();
}

/// The place behind the } that closes what stands before `step`.
static char** behind_brace(char** step) {
  for (int depth = 1; *step != NULL; ++step) {
    if (strchr(*step, '{') != NULL && strlen(*step) <= 7) ++depth;
    if (strcmp(*step, "}") == 0 && --depth == 0) return step + 1;
  }
  _exit(96);
}

static const char* value(const char* step, const char* name) {
  const size_t size = strlen(name);
  return strncmp(step, name, size) == 0 && step[size] == ':' ? step + size + 1 : NULL;
}

static void do_step(const char* step) {
  const char* v;
  if ((v = value(step, "out"))) {
    put_line(1, v);
  } else if ((v = value(step, "err"))) {
    put_line(2, v);
  } else if ((v = value(step, "raw"))) {
    put(1, v, strlen(v));
  } else if ((v = value(step, "ms"))) {
    sleep_for(atol(v));
  } else if ((v = value(step, "burn"))) {
    for (const long long end = now(CLOCK_PROCESS_CPUTIME_ID) + atol(v) * 1000000LL;
         now(CLOCK_PROCESS_CPUTIME_ID) < end;) {
    }
  } else if (strcmp(step, "pause") == 0) {
    for (;;) pause();
  } else if ((v = value(step, "exit"))) {
    _exit(atoi(v));
  } else if ((v = value(step, "kill"))) {
    kill(getpid(), atoi(v));
  } else if ((v = value(step, "ignore"))) {
    signal(atoi(v), SIG_IGN);
  } else if ((v = value(step, "close"))) {
    close(atoi(v));
  } else if (strcmp(step, "wait") == 0) {
    while (wait(NULL) > 0) {
    }
  } else if ((v = value(step, "tick"))) {
    char line[40];
    snprintf(line, sizeof line, "%lld", now(CLOCK_MONOTONIC));
    append(v, line);
  } else if ((v = value(step, "unless"))) {
    unless(v);
  } else if ((v = value(step, "until"))) {
    while (access(v, F_OK) != 0) sleep_for(1);
  } else if (strcmp(step, "all") == 0) {
    read_stdin(~0UL);
  } else if ((v = value(step, "read"))) {
    read_stdin(strtoul(v, NULL, 10));
  } else if ((v = value(step, "flood"))) {
    flood(atol(v));
  } else if ((v = value(step, "alternate"))) {
    char line[40];
    for (long i = 0; i < atol(v); ++i) {
      snprintf(line, sizeof line, "%ld", i);
      put_line(i % 2 == 0 ? 1 : 2, line);
    }
  } else if (strcmp(step, "bigpipe") == 0) {
    if (fcntl(1, F_SETPIPE_SZ, 1 << 20) == -1) _exit(95);
  } else if (strcmp(step, "fds") == 0) {
    print_fds();
  } else if (strcmp(step, "told") == 0) {
    tell_signals();
  } else if (strcmp(step, "heir") == 0) {
    leave_heir();
  } else if (strcmp(step, "root") == 0) {
    if (setresuid(0, 0, 0) == -1) _exit(94);
  } else if ((v = value(step, "append"))) {
    char path[4096];
    const char* const colon = strchr(v, ':');
    snprintf(path, sizeof path, "%.*s", (int)(colon - v), v);
    append(path, colon + 1);
  } else {
    put_line(2, step);
    _exit(93);
  }
}

static void do_all(char** step) {
  alarm(60);
  while (*step != NULL && strcmp(*step, "}") != 0) {
    const int orphan = strcmp(*step, "orphan{") == 0;
    if (!orphan && strcmp(*step, "fork{") != 0) {
      do_step(*step++);
      continue;
    }
    const pid_t pid = fork();
    if (pid == 0 && orphan) {
      setsid();
      if (fork() != 0) _exit(0);
    }
    if (pid == 0) {
      do_all(step + 1);
      _exit(0);
    }
    if (orphan) waitpid(pid, NULL, 0);
    step = behind_brace(step + 1);
  }
}

int main(int argc, char** argv) {
  if (argc > 1) do_all(argv + 1);
  return 0;
}
