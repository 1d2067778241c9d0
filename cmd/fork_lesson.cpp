#include "cmd/fork_lesson.h"

#include <fmt/core.h>
#include <unistd.h>

#include <chrono>

#include "cmd/life_lessons.h"
#include "cmd/numbers.h"
#include "input/quantity.h"
#include "process/fork.h"

namespace procrun::cmd {
namespace {

constexpr auto kLivesOn = std::chrono::seconds{2};

/// As the tutorial's first page has it.
int fork_and_run_on(const ForkLesson& lesson, Chronicle& chronicle) {
  chronicle.begin();
  const pid_t ret = procrun::fork();
  if (ret == 0) {
    print_line("child process");
    print_line(fmt::format("{}", ::getpid()));
  } else {
    chronicle.forked(ret, ::getpid(), "child process");
    print_line(fmt::format("Parent process ret={}", ret));
    print_line(fmt::format("{}", ::getpid()));
  }
  print_line(fmt::format("{}", ::getpid()));  // both run this
  if (ret != 0) {
    explain(lesson.explains,
            {"fork() was called once and returned twice: 0 in the child, the child's pid in the "
             "parent.",
             "Both went on with the code after it, at the same time, so their lines may mix.",
             "The parent did not wait: whoever adopts the child when the parent ends reaps it."});
    chronicle.end();
  }
  return 0;
}

int play_zombies(const ForkLesson& lesson, Chronicle& chronicle) {
  Zombies zombies{.most = lesson.max_children, .lives_on = lesson.speed.of(*lesson.zombie)};
  zombies.count = lesson.count.value_or(lesson.max_children.value_or(0) + 1);
  return play(lesson.explains, chronicle, [&](Stage& stage) { zombies_story(stage, zombies); });
}

}  // namespace

void add_fork_lesson(Options& options, ForkLesson& lesson) {
  const auto take_duration = [](std::optional<sys::Duration>& target) {
    return [&target](const std::string& text) {
      target = text.empty() ? sys::Duration{kLivesOn} : input::parse_duration(text);
    };
  };
  const auto take_number = [](std::optional<int>& target) {
    return [&target](const std::string& text) { target = parse_number(text, 1, kMostZombies - 1); };
  };
  options.group("The lesson");
  options.declare_for(Options::For::Lesson);
  options.optional_value("--zombie", "D",
                         "the child ends, the parent lives on and does not wait (2s)",
                         take_duration(lesson.zombie));
  options.optional_value("--orphan", "D", "the parent ends, the child lives on (2s)",
                         take_duration(lesson.orphan));
  options.flag("--memory", "who sees what the child writes to memory", lesson.memory);
  options.value("--count", "N", "with --zombie: so many children", take_number(lesson.count));
  options.value("--max-children", "M", "with --zombie: more than so many cannot be forked",
                take_number(lesson.max_children));
  add_explain(options, lesson.explains);
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

void check_fork_lesson(const ForkLesson& lesson) {
  const int stories = (lesson.zombie ? 1 : 0) + (lesson.orphan ? 1 : 0) + (lesson.memory ? 1 : 0);
  if (stories > 1) throw UsageError{"--zombie, --orphan and --memory exclude each other"};
  if (lesson.zombie) return;
  if (lesson.count) throw UsageError{"--count needs --zombie"};
  if (lesson.max_children) throw UsageError{"--max-children needs --zombie"};
}

int run_fork_lesson(const ForkLesson& lesson, Chronicle& chronicle) {
  if (lesson.memory) return memory_story(lesson.explains, chronicle);
  if (lesson.orphan) {
    const auto time = lesson.speed.of(*lesson.orphan);
    return play(lesson.explains, chronicle, [&](Stage& stage) { orphan_story(stage, time); });
  }
  if (!lesson.zombie) return fork_and_run_on(lesson, chronicle);
  if (lesson.count || lesson.max_children) return play_zombies(lesson, chronicle);
  const auto time = lesson.speed.of(*lesson.zombie);
  return play(lesson.explains, chronicle, [&](Stage& stage) { zombie_story(stage, time); });
}

}  // namespace procrun::cmd
