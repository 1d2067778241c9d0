// A parent that leaves a descendant behind, which lives until it is killed.
// Usage: family FLAGS [CODE]. What it leaves behind writes "below\n" to stdout before the parent
// writes "above\n" and exits with CODE. Flags: s the descendant has a session of its own,
// d it is a grandchild whose parent has gone, t it ignores TERM, q it has closed its output,
// k the parent does not exit but sleeps as well, 9 the parent tells on descriptor 9.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(int fd, const char* text) {
  if (write(fd, text, strlen(text)) == -1) exit(98);
}

static void live(const char* flags, int ready) {
  if (strchr(flags, 's')) setsid();
  if (strchr(flags, 't')) signal(SIGTERM, SIG_IGN);
  put(1, "below\n");
  if (strchr(flags, 'q')) {
    close(1);
    close(2);
  }
  put(ready, "x");
  close(ready);
  for (;;) pause();
}

int main(int argc, char** argv) {
  const char* const flags = argc > 1 ? argv[1] : "";
  int ends[2];
  if (pipe(ends) == -1) return 99;
  const pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    if (!strchr(flags, 'd')) live(flags, ends[1]);
    if (fork() == 0) live(flags, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  if (strchr(flags, 'd')) waitpid(pid, NULL, 0);
  char byte;
  if (read(ends[0], &byte, 1) != 1) return 99;
  put(1, "above\n");
  if (strchr(flags, '9')) put(9, "x");
  while (strchr(flags, 'k')) pause();
  return argc > 2 ? atoi(argv[2]) : 0;
}
