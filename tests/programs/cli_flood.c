// Writes about so many bytes of whole lines that begin with NAME to stdout and to stderr, in pieces
// that end anywhere.
//   cli_flood NAME BYTES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char text[4 << 20];

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  const size_t wanted = (size_t)atol(argv[2]);
  size_t size = 0;
  for (int line = 0; size < wanted && size < sizeof text - 200; ++line) {
    size += (size_t)snprintf(text + size, 200, "%s %d ", argv[1], line);
    const size_t tail = (size_t)(line * 7 % 90);
    memset(text + size, 'x', tail);
    size += tail;
    text[size++] = '\n';
  }
  size_t done[2] = {0, 0};
  for (int turn = 0; done[0] < size || done[1] < size; ++turn) {
    const int stream = turn % 2;
    size_t piece = (size_t)(turn * 13 % 4001) + 1;
    if (piece > size - done[stream]) piece = size - done[stream];
    if (piece == 0) continue;
    const ssize_t written = write(stream + 1, text + done[stream], piece);
    if (written == -1) return 1;
    done[stream] += (size_t)written;
  }
  return 0;
}
