// Rings on descriptor 9 and answers signals until one of them ends it.
// Usage: answer RINGS [SIGNAL=ANSWER]... with a signal's number and ignore, ring, bye (says so and
// exits with 0) or a number to exit with. Other signals do what they do by default. It has no
// children, and no signal is lost: it is ready for all of them before it rings.
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(int fd, const char* text) {
  if (write(fd, text, strlen(text)) == -1) exit(98);
}

int main(int argc, char** argv) {
  const char* answers[65] = {NULL};
  sigset_t set;
  sigemptyset(&set);
  for (int i = 2; i < argc; ++i) {
    const int number = atoi(argv[i]);
    answers[number] = strchr(argv[i], '=') + 1;
    sigaddset(&set, number);
  }
  sigprocmask(SIG_BLOCK, &set, NULL);
  for (int i = argc > 1 ? atoi(argv[1]) : 0; i > 0; --i) put(9, "x");
  for (;;) {
    int number = 0;
    if (argc < 3) pause();
    if (sigwait(&set, &number) != 0) continue;
    const char* const answer = answers[number];
    if (strcmp(answer, "ignore") == 0) continue;
    if (strcmp(answer, "ring") == 0) {
      put(9, "x");
    } else if (strcmp(answer, "bye") == 0) {
      put(1, "bye\n");
      return 0;
    } else {
      return atoi(answer);
    }
  }
}
