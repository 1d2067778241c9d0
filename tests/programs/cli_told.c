// Prints the number of each signal that it is told, up to TERM: then it exits with code 7.
#include <signal.h>
#include <stdio.h>

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  puts("ready");
  fflush(stdout);
  for (;;) {
    int told = 0;
    if (sigwait(&all, &told) != 0) return 1;
    printf("told %d\n", told);
    fflush(stdout);
    if (told == SIGTERM) return 7;
  }
}
