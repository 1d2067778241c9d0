#include "cmd/fork_lesson.h"

#include <fmt/core.h>
#include <unistd.h>

#include "cmd/shared.h"
#include "process/fork.h"

namespace procrun::cmd {

int run_fork_lesson() {
  const pid_t ret = procrun::fork();
  if (ret == 0) {
    print_line("child process");
    print_line(fmt::format("{}", ::getpid()));
  } else {
    print_line(fmt::format("Parent process ret={}", ret));
    print_line(fmt::format("{}", ::getpid()));
  }
  print_line(fmt::format("{}", ::getpid()));  // both run this
  return 0;
}

}  // namespace procrun::cmd
