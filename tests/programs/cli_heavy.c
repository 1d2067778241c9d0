// Locks FILE, or exits with 1 where somebody has it, says "ready" and sleeps. Its memory takes the
// kernel a while to free, and only then, when it is killed, the lock is gone.
//   cli_heavy FILE
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>

int main(int argc, char** argv) {
  const size_t size = (size_t)128 << 20;
  if (argc < 2) return 2;
  const int file = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file == -1) return 2;
  if (flock(file, LOCK_EX | LOCK_NB) == -1) return 1;
  char* const memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return 2;
  memset(memory, 1, size);
  puts("ready");
  fflush(stdout);
  sleep(60);
  return 0;
}
