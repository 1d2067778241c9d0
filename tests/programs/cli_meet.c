// Waits until as many of its kind as N have come to the directory; exits with 1 if they do not.
//   cli_meet DIRECTORY N
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int present(const char* directory) {
  DIR* const dir = opendir(directory);
  if (dir == NULL) return -1;
  int count = 0;
  for (const struct dirent* item = readdir(dir); item != NULL; item = readdir(dir)) {
    if (item->d_name[0] != '.') ++count;
  }
  closedir(dir);
  return count;
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  char name[4096];
  snprintf(name, sizeof name, "%s/%d", argv[1], (int)getpid());
  close(open(name, O_CREAT | O_WRONLY, 0600));
  for (int i = 0; i < 5000; ++i) {
    if (present(argv[1]) >= atoi(argv[2])) return 0;
    const struct timespec two_ms = {0, 2000000};
    nanosleep(&two_ms, NULL);
  }
  return 1;
}
