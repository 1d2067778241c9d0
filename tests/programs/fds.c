// Prints the descriptors that it was born with, a line each.
#include <fcntl.h>
#include <stdio.h>

int main(void) {
  for (int fd = 0; fd < 1024; ++fd) {
    if (fcntl(fd, F_GETFD) != -1) printf("%d\n", fd);
  }
  return 0;
}
