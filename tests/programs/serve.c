// A server for the tests of readiness.
//   serve port PORT     listens on 127.0.0.1:PORT and answers every connection with "hello\n"
//   serve notify TEXT   sends TEXT to $NOTIFY_SOCKET; "\n" in it is a newline
//   serve fork PORT     as port, but from a daemon: the program itself exits with 0
// It says what it does, one line each, and pauses for ever, or serves.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int listener(int port) {
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd, (struct sockaddr*)&at, sizeof at) == -1 || listen(fd, 16) == -1) {
    perror("serve");
    exit(4);
  }
  return fd;
}

static void serve(int fd) {
  puts("listening");
  fflush(stdout);
  for (;;) {
    int client = accept(fd, NULL, NULL);
    if (client == -1) continue;
    if (write(client, "hello\n", 6) != 6) puts("client gone");
    close(client);
  }
}

static void notify(const char* text) {
  const char* path = getenv("NOTIFY_SOCKET");
  if (path == NULL || path[0] != '@') exit(5);
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  strncpy(to.sun_path + 1, path + 1, sizeof to.sun_path - 2);
  char message[4096];
  size_t size = 0;
  for (const char* at = text; *at != '\0' && size < sizeof message; ++at) {
    const int newline = at[0] == '\\' && at[1] == 'n';
    message[size++] = newline ? '\n' : *at;
    at += newline;
  }
  int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
  if (sendto(fd, message, size, 0, (struct sockaddr*)&to, length) == -1) {
    perror("serve");
    exit(6);
  }
  puts("sent");
  fflush(stdout);
  for (;;) pause();
}

int main(int argc, char** argv) {
  if (argc != 3) return 1;
  if (strcmp(argv[1], "notify") == 0) notify(argv[2]);
  int fd = listener(atoi(argv[2]));
  if (strcmp(argv[1], "fork") == 0 && fork() != 0) return 0;
  serve(fd);
}
