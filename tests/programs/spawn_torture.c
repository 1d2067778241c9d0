// A command that is hard to own.
//   spawn_torture MODE stay|leave RECORD
// It begins, and makes its difficulty: deaf (to all but KILL), escape (setsid and double fork),
// daemon (the same, holding stdout), bomb (all its descendants fork without end, deaf, at most 50
// at a time and 600 in all), stop (SIGSTOP), ttou (SIGTTOU), mute (it closes its stdio), other (it
// becomes another user, if it may), quick (nothing). Then it stays, or leaves with code 5 while the
// difficulty stays. quick always leaves.
// Each line that it has written to stdout is then written to the file RECORD too. Nobody of it
// lives longer than 10 s.
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kAlive = 50, kBirths = 4000 };

static struct {
  _Atomic pid_t slots[kAlive];
  atomic_int births;
} * shared;

static const char* record = "";

static void put(int fd, const char* line) {
  if (write(fd, line, strlen(line)) != (ssize_t)strlen(line)) _exit(99);
}

static void say(const char* line) {
  put(1, line);
  const int fd = open(record, O_WRONLY | O_CREAT | O_APPEND, 0666);
  if (fd == -1) _exit(98);
  put(fd, line);
  close(fd);
}

static void stay(void) {
  for (;;) pause();
}

static void be_deaf(void) {
  for (int signo = 1; signo < NSIG; ++signo) {
    if (signo != SIGALRM && signo != SIGCHLD && signo != SIGSEGV) signal(signo, SIG_IGN);
  }
}

static int is_free(pid_t pid) { return pid == 0 || (pid > 0 && kill(pid, 0) == -1); }

static void fork_for_ever(void) {
  alarm(10);
  // Quick while there is room, slow when there is none: 200 that burn CPU would starve the machine,
  // and what is to be shown is that nobody is born past KILL.
  const struct timespec quick = {0, 1000000};
  const struct timespec slow = {0, 50000000};
  for (unsigned at = (unsigned)getpid();; ++at) {
    _Atomic pid_t* slot = NULL;
    pid_t old = 0;
    for (unsigned i = 0; i < kAlive && slot == NULL; ++i) {
      _Atomic pid_t* const one = &shared->slots[(at + i) % kAlive];
      old = atomic_load(one);
      if (is_free(old)) slot = one;
    }
    nanosleep(slot == NULL ? &slow : &quick, NULL);
    if (slot == NULL || !atomic_compare_exchange_strong(slot, &old, -1)) continue;
    if (atomic_fetch_add(&shared->births, 1) >= kBirths) stay();
    const pid_t pid = fork();
    if (pid == 0) {
      atomic_store(slot, getpid());
      alarm(10);
      if (at % 3 == 0) setsid();
    } else if (pid == -1) {
      atomic_store(slot, 0);
    }
  }
}

static void go_away(int keep_output) {
  if (fork() != 0) {
    wait(NULL);
    return;
  }
  setsid();
  if (fork() != 0) _exit(0);
  alarm(10);
  if (!keep_output) {
    for (int fd = 0; fd < 3; ++fd) close(fd);
  }
  stay();
}

/// As a whole, or by a child if the program itself is to leave.
static void stop(int signo, int leaves) {
  if (leaves || signo == SIGTTOU) {
    if (fork() == 0) {
      alarm(10);
      // In a group whose parent is in another one of the same session, or it would be an orphaned
      // one, which the terminal's signals do not stop.
      setpgid(0, 0);
      raise(signo);
      stay();
    }
  }
  if (!leaves) raise(signo);
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const char* const mode = argv[1];
  const int leaves = strcmp(argv[2], "leave") == 0 || strcmp(mode, "quick") == 0;
  const int deaf = strcmp(mode, "deaf") == 0;
  const int bomb = strcmp(mode, "bomb") == 0;
  record = argv[3];
  if (deaf || bomb) be_deaf();
  alarm(10);
  say("begin\n");
  put(2, "error\n");
  if (deaf && leaves && fork() == 0) {
    alarm(10);
    stay();
  }
  if (strcmp(mode, "escape") == 0) go_away(0);
  if (strcmp(mode, "daemon") == 0) go_away(1);
  if (strcmp(mode, "other") == 0 && getuid() == 0) {
    if (fork() == 0) {
      alarm(10);
      if (setresuid(65533, 65533, 65533) == -1) _exit(1);
      stay();
    }
  }
  if (bomb) {
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 3;
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0) fork_for_ever();
  }
  for (int line = 0; line < 50; ++line) say("a line of some length that shall not get lost\n");
  say("last\n");
  if (strcmp(mode, "mute") == 0) {
    for (int fd = 0; fd < 3; ++fd) close(fd);
    if (leaves && fork() == 0) {
      alarm(10);
      stay();
    }
  }
  if (strcmp(mode, "stop") == 0) stop(SIGSTOP, leaves);
  if (strcmp(mode, "ttou") == 0) stop(SIGTTOU, leaves);
  if (leaves) return 5;
  stay();
}
