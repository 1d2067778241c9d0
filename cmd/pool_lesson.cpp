#include "cmd/pool_lesson.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "cmd/numbers.h"
#include "cmd/shared.h"
#include "pool/pool.h"

namespace procrun::cmd {
namespace {

void pro_do(int process_num, double speed) {
  print_line(fmt::format("child process id is {}", ::getpid()));
  Speed{speed}.sleep(6 - process_num);
  print_line(fmt::format("this is process {}", process_num));
}

}  // namespace

void add_pool_lesson(Options& options, PoolLesson& lesson) {
  options.declare_for(Options::For::Lesson);
  options.value("--tasks", "N", "so many tasks (5)",
                [&](const std::string& text) { lesson.tasks = parse_count(text, 1); });
  options.value("--kill-worker", "K", "kill worker K in the middle of its first task",
                [&](const std::string& text) { lesson.kill_worker = parse_count(text, 1); });
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

int run_pool_lesson(const PoolLesson& lesson, unsigned count) {
  print_line(fmt::format("Current process is {}", ::getpid()));
  Pool p{count};
  std::vector<AsyncResult<void>> results;
  results.reserve(static_cast<std::size_t>(lesson.tasks));
  for (int i = 0; i < lesson.tasks; ++i) {
    results.push_back(p.apply_async(pro_do, i, lesson.speed.factor));
  }
  if (lesson.kill_worker != 0) {
    const auto workers = p.workers();
    const auto worker = static_cast<std::size_t>(lesson.kill_worker) - 1;
    if (worker >= workers.size()) throw UsageError{"--kill-worker: there are not so many workers"};
    results.back().wait(std::chrono::duration_cast<sys::Duration>(
        std::chrono::duration<double>{0.5 / lesson.speed.factor}));
    ::kill(workers[worker], SIGKILL);  // our child, unreaped
  }
  p.close();
  p.join();
  for (std::size_t i = 0; i < results.size(); ++i) {
    try {
      results[i].get();
    } catch (const WorkerLost& lost) {
      print_line(fmt::format("process {} is lost: {}", i, lost.what()));
    }
  }
  print_line("pool process done");
  return 0;
}

}  // namespace procrun::cmd
