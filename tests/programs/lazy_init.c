// An init that reaps nothing but its own command: what some containers have as PID 1.
// Usage: lazy_init COMMAND [ARG]... Runs it, waits for it alone, then writes a line "left PID PPID
// STATE" for every other process that /proc shows, and exits with its code.
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(const char* pid) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/stat", pid);
  FILE* const file = fopen(path, "re");
  if (!file) return;
  char line[512] = "";
  if (fgets(line, sizeof line, file)) {
    char state = '?';
    int parent = -1;
    const char* const end = strrchr(line, ')');
    if (end && sscanf(end + 1, " %c %d", &state, &parent) == 2) {
      printf("left %s %d %c\n", pid, parent, state);
    }
  }
  fclose(file);
}

int main(int argc, char** argv) {
  if (argc < 2) return 99;
  const pid_t pid = fork();
  if (pid == 0) {
    execv(argv[1], argv + 1);
    _exit(127);
  }
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return 99;
  DIR* const proc = opendir("/proc");
  for (const struct dirent* one; proc && (one = readdir(proc));) {
    if (isdigit((unsigned char)one->d_name[0]) && atoi(one->d_name) != getpid()) tell(one->d_name);
  }
  if (proc) closedir(proc);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}
