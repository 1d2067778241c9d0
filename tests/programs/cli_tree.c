// A tree that is hard to catch: a child, a child in a session of its own, and an orphan in a
// session of its own. All pause. Prints "ready" when all are there.
//   cli_tree [deaf] [leave]
// deaf: nobody heeds TERM, INT or HUP. leave: the program itself exits at once, with code 5.
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int born[2];

static void pause_for_ever(void) {
  if (write(born[1], "x", 1) != 1) _exit(1);
  for (;;) pause();
}

int main(int argc, char** argv) {
  int leave = 0;
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], "leave") == 0) leave = 1;
    if (strcmp(argv[i], "deaf") == 0) {
      signal(SIGTERM, SIG_IGN);
      signal(SIGINT, SIG_IGN);
      signal(SIGHUP, SIG_IGN);
    }
  }
  if (pipe(born) == -1) return 1;
  if (fork() == 0) pause_for_ever();
  if (fork() == 0) {
    setsid();
    pause_for_ever();
  }
  if (fork() == 0) {
    setsid();
    if (fork() == 0) pause_for_ever();
    _exit(0);
  }
  char byte;
  for (int i = 0; i < 3; ++i) {
    if (read(born[0], &byte, 1) != 1) return 1;
  }
  puts("ready");
  fflush(stdout);
  if (leave) return 5;
  for (;;) pause();
}
