// fork --memory: what parent and child have in common, and what not.
#include <fmt/core.h>
#include <unistd.h>

#include <memory>

#include "cmd/lesson.h"
#include "cmd/life_lessons.h"
#include "cmd/shared.h"
#include "process/fork.h"
#include "process/process.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace procrun::cmd {
namespace {

// volatile: each is read from its place in memory, when it is printed.
volatile int in_data = 1;

struct Variables {
  volatile int* data;
  volatile int* heap;
  volatile int* stack;
};

void print_variables(const char* when, const Variables& these) {
  const auto place = [](volatile int* variable) {
    return fmt::format("{:#x} = {}", reinterpret_cast<std::uintptr_t>(variable), *variable);
  };
  print_line(fmt::format("{} {}: data {}, heap {}, stack {}", ::getpid(), when, place(these.data),
                         place(these.heap), place(these.stack)));
}

void play_child(const Variables& these) {
  print_line("child process");
  print_line(fmt::format("{}", ::getpid()));
  print_variables("finds", these);
  *these.data = *these.data + 10;
  *these.heap = *these.heap + 10;
  *these.stack = *these.stack + 10;
  print_variables("has written", these);
}

}  // namespace

int memory_story(bool explains, Chronicle& chronicle) {
  chronicle.begin();
  const auto in_heap = std::make_unique<volatile int>(2);
  volatile int in_stack = 3;
  const Variables these{&in_data, in_heap.get(), &in_stack};
  auto [ended, child_end] = sys::make_pipe();
  print_variables("has", these);
  const pid_t ret = procrun::fork();
  if (ret == 0) run_and_leave([&] { play_child(these); });
  chronicle.forked(ret, ::getpid(), "child process");
  child_end.reset();
  print_line(fmt::format("Parent process ret={}", ret));
  print_line(fmt::format("{}", ::getpid()));
  // Nobody writes to it: its end says that the child is done, without waiting for the child.
  char byte = 0;
  sys::retry("wait for the child's end of a pipe",
             [&, &ended = ended] { return ::read(ended.get(), &byte, 1); });
  print_variables("has still", these);
  explain(explains,
          {"The child is a copy: its variables stand at the same addresses, with the same values.",
           "The addresses are virtual. After fork both share the memory behind them until one "
           "writes; then the kernel copies that page (copy-on-write), so the other never sees it.",
           "To tell the parent something a child needs a pipe, a file, shared memory, or its exit "
           "code."});
  chronicle.end();
  return 0;
}

}  // namespace procrun::cmd
