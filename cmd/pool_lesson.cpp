#include "cmd/pool_lesson.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "cmd/ending_signals.h"
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

void explain_pool(const PoolLesson& lesson, unsigned count) {
  if (!lesson.explains) return;
  print_line(explanation(
      {fmt::format("The pool's workers, {} of them at most, were forked once; each took its next "
                   "task when it had ended one, so the same pid stands for several tasks.",
                   count),
       "close() says that no more tasks will come; join() waits until all are done and the workers "
       "have gone.",
       "By default there are as many workers as processors that may be used: more would only wait "
       "for each other, unless the tasks sleep, as these do."}));
  if (lesson.kill_worker == 0) return;
  explain(true,
          {"A worker was killed in the middle of a task. Nobody can know how far it had come, "
           "so the task is reported lost, and is not run again.",
           "The pool has put a new worker in its place. Python's Pool waits for the lost task "
           "for ever here."});
}

void kill_worker(const Pool& pool, const PoolLesson& lesson, AsyncResult<void>& last) {
  const auto workers = pool.workers();
  last.wait(std::chrono::duration_cast<sys::Duration>(
      std::chrono::duration<double>{0.5 / lesson.speed.factor}));
  ::kill(workers.at(static_cast<std::size_t>(lesson.kill_worker) - 1), SIGKILL);  // unreaped
}

void run_tasks(const PoolLesson& lesson, unsigned count, Chronicle& chronicle,
               EndingSignals& signals) {
  signals.say(fmt::format("Current process is {}", ::getpid()));
  Pool p{count,
         {.born = [&](unsigned slot, pid_t pid,
                      sys::Clock::time_point since) { chronicle.worker_forked(slot, pid, since); },
          .buried = [&](pid_t pid, ExitStatus status) { chronicle.reaped(pid, status); },
          .in_worker = [&] { signals.restore(); },
          .alarm = signals.fd(),
          .alarmed = [&] { signals.hear(); }}};
  std::vector<AsyncResult<void>> results;
  results.reserve(static_cast<std::size_t>(lesson.tasks));
  for (int i = 0; i < lesson.tasks; ++i) {
    results.push_back(p.apply_async(pro_do, i, lesson.speed.factor));
  }
  if (lesson.kill_worker != 0) kill_worker(p, lesson, results.back());
  p.close();
  p.join();
  for (std::size_t i = 0; i < results.size(); ++i) {
    try {
      results[i].get();
    } catch (const WorkerLost& lost) {
      signals.say(fmt::format("process {} is lost: {}", i, lost.what()));
    }
  }
  signals.say("pool process done");
  explain_pool(lesson, count);
}

}  // namespace

void add_pool_lesson(Options& options, PoolLesson& lesson) {
  options.declare_for(Options::For::Lesson);
  options.value("--tasks", "N", "so many tasks (5)",
                [&](const std::string& text) { lesson.tasks = parse_count(text, 1); });
  options.value("--kill-worker", "K", "kill worker K in the middle of its first task",
                [&](const std::string& text) { lesson.kill_worker = parse_count(text, 1); });
  add_explain(options, lesson.explains);
  add_speed(options, lesson.speed);
  options.declare_for(Options::For::Command);
}

int run_pool_lesson(const PoolLesson& lesson, unsigned count, Chronicle& chronicle) {
  if (lesson.kill_worker > static_cast<int>(count)) {
    throw UsageError{
        fmt::format("--kill-worker {}: there are {} workers", lesson.kill_worker, count)};
  }
  return play_until_told(chronicle, [&](EndingSignals& signals) {
    run_tasks(lesson, count, chronicle, signals);
    return 0;
  });
}

}  // namespace procrun::cmd
