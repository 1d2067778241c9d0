// Prints its arguments, a NUL behind each.
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) fwrite(argv[i], 1, strlen(argv[i]) + 1, stdout);
  return fflush(stdout) == 0 ? 0 : 1;
}
