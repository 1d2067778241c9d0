// Children that are strangers to everybody else. Usage: strangers COUNT HOW [keep]
// Prints the pid of each, one a line, then "ready". At a line on stdin (or its end) all of them end
// as HOW says: a number is the exit code, i: their place modulo 256, sN: by signal N without a core
// file, cN: by signal N with one where the machine makes some. Each is reaped at once and told,
// "PID RAW-STATUS"; with keep, only at the next line (or the end).
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void end_as_told(const char* how, int place) {
  struct rlimit core = {0, 0};
  if (*how == 'c') getrlimit(RLIMIT_CORE, &core);
  core.rlim_cur = core.rlim_max;
  setrlimit(RLIMIT_CORE, &core);
  if (*how == 's' || *how == 'c') raise(atoi(how + 1));
  _exit(*how == 'i' ? place % 256 : atoi(how));
}

static void await_line(void) {
  char byte = 0;
  while (read(0, &byte, 1) == 1 && byte != '\n') {
  }
}

int main(int argc, char** argv) {
  int ends[2];
  char byte;
  if (argc < 3 || pipe(ends) == -1) return 99;
  const int count = atoi(argv[1]);
  for (int i = 0; i < count; ++i) {
    const pid_t pid = fork();
    if (pid == -1) return 98;
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(ends[1]);
      while (read(ends[0], &byte, 1) == -1) {
      }
      end_as_told(argv[2], i);
    }
    printf("%d\n", pid);
  }
  printf("ready\n");
  fflush(stdout);
  await_line();
  close(ends[1]);
  if (argc > 3) await_line();
  for (int i = 0; i < count; ++i) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, 0);
    printf("%d %d\n", pid, status);
  }
  return 0;
}
