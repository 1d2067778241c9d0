// Does what make 4.4 and ninja 1.13 do below a jobserver of the fifo form: runs COMMAND so many
// times, the first in the place that it has anyway, each other one for a byte that it read from the
// fifo of MAKEFLAGS, and writes that very byte back. Exits with 1 if one of them fails.
//   cli_make TIMES COMMAND
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char* fifo(void) {
  const char* const key = "--jobserver-auth=fifo:";
  const char* found = NULL;  // of several the last one counts
  for (const char* at = getenv("MAKEFLAGS"); at != NULL && (at = strstr(at, key)) != NULL;) {
    found = at += strlen(key);
  }
  return found;
}

static pid_t run(const char* command) {
  const pid_t pid = fork();
  if (pid == 0) {
    execl("/bin/sh", "sh", "-c", command, (char*)NULL);
    _exit(127);
  }
  return pid;
}

int main(int argc, char** argv) {
  const char* const path = fifo();
  if (argc < 3 || path == NULL) return 2;
  // An open file of our own, so this is nobody else's O_NONBLOCK.
  const int in = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  const int out = open(path, O_WRONLY | O_CLOEXEC);
  if (in == -1 || out == -1) return 2;
  struct {
    pid_t pid;
    char token;
  } running[64];
  int count = 0;
  int own_place = 1;
  int failed = 0;
  for (int left = atoi(argv[1]); left > 0 || count > 0;) {
    char token = 0;
    const int may = left > 0 && count < 64 && (own_place || read(in, &token, 1) == 1);
    if (may) {
      own_place = 0;
      running[count].token = token;
      running[count++].pid = run(argv[2]);
      --left;
      continue;
    }
    int status = 0;
    const pid_t ended = wait(&status);
    if (ended == -1) return 2;
    failed |= status != 0;
    for (int i = 0; i < count; ++i) {
      if (running[i].pid != ended) continue;
      if (running[i].token == 0) own_place = 1;
      if (running[i].token != 0 && write(out, &running[i].token, 1) != 1) return 2;
      running[i] = running[--count];
      break;
    }
  }
  return failed;
}
