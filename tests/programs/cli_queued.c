// Prints the number of each signal that it is told and what it was sent with, up to TERM: then it
// exits with code 7.
#include <signal.h>
#include <stdio.h>

int main(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  puts("ready");
  fflush(stdout);
  for (;;) {
    siginfo_t told;
    if (sigwaitinfo(&all, &told) == -1) return 1;
    printf("told %d with %d\n", told.si_signo,
           told.si_code == SI_QUEUE ? told.si_value.sival_int : 0);
    fflush(stdout);
    if (told.si_signo == SIGTERM) return 7;
  }
}
