// Writes to stdout (1) and stderr (2) in turns, "1212" say; each time it waits until what it has
// written has been read.
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int unread(int fd) {
  int size = 0;
  return ioctl(fd, FIONREAD, &size) == 0 ? size : 0;
}

int main(int argc, char** argv) {
  for (int i = 0; argc > 1 && argv[1][i] != '\0'; ++i) {
    const int fd = argv[1][i] - '0';
    char line[32];
    const int size = snprintf(line, sizeof line, "%d at %d\n", fd, i);
    if (write(fd, line, (size_t)size) != size) return 1;
    for (int tries = 0; unread(fd) > 0; ++tries) {
      if (tries > 10000) return 2;
      usleep(1000);
    }
  }
  return 0;
}
