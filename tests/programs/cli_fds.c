// Prints the numbers of the descriptors that it was given.
#include <fcntl.h>
#include <stdio.h>

int main(void) {
  char text[8192];
  int size = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) size += sprintf(text + size, "%d ", fd);
  }
  puts(text);
  return 0;
}
