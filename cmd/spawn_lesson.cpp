#include "cmd/spawn_lesson.h"

#include <fmt/core.h>
#include <unistd.h>

#include "cmd/shared.h"
#include "process/process.h"

namespace procrun::cmd {
namespace {

void pro_do(const std::string& name, const std::string& func) {
  print_line(fmt::format(
      "This is child process {} from parent process {}, and name is  {} which is used for {}",
      ::getpid(), ::getppid(), name, func));
}

}  // namespace

void add_spawn_lesson(Options& options, SpawnLesson& lesson) {
  options.group("The story");
  options.declare_for(Options::For::Both);
  options.value("--name", "NAME", "what the process is called (test, or COMMAND's name)",
                [&](const std::string& name) { lesson.name = name; });
  options.value("--for", "WHAT", "what it is used for (dev, or COMMAND)",
                [&](const std::string& what) { lesson.used_for = what; });
  options.declare_for(Options::For::Lesson);
  options.flag("--no-join", "the parent goes on at once", lesson.no_join);
  options.declare_for(Options::For::Command);
}

int run_spawn_lesson(const SpawnLesson& lesson) {
  print_line(fmt::format("Parent process id {}", ::getpid()));
  Process process{pro_do, lesson.name.empty() ? "test" : lesson.name,
                  lesson.used_for.empty() ? "dev" : lesson.used_for};
  print_line("start child process");
  process.start();
  if (!lesson.no_join) process.join();
  print_line("Process end");
  process.join();  // as Python does before it exits
  return process.exitcode() == 0 ? 0 : 125;
}

}  // namespace procrun::cmd
