#include "engine/background.h"

#include <limits.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/supervisor.h"
#include "pool/codec.h"
#include "process/fork.h"
#include "process/process.h"
#include "sys/close_range.h"
#include "sys/error.h"
#include "sys/pidfd.h"

namespace procrun::engine {
namespace {

/// Takes the plan's standard descriptors for its own, and lets go of all that the caller gave us
/// but what the plan needs.
void let_go_of_descriptors(const BackgroundPlan& plan, const sys::Fd& news) {
  for (int number = 0; number < 3; ++number) {
    const int fd = plan.stdio[static_cast<std::size_t>(number)];
    if (fd != -1 && ::dup2(fd, number) == -1) {
      sys::fail("place descriptor " + std::to_string(number));
    }
  }
  std::vector<int> kept = plan.kept;
  kept.insert(kept.end(),
              {news.get(), plan.name_lock.get(), plan.pidfile ? plan.pidfile->lock_fd() : -1,
               plan.caller.get(), plan.notify.get()});
  sys::close_all_but(std::move(kept));
}

}  // namespace

Background::Background(BackgroundPlan& plan) {
  auto [news, news_end] = sys::make_pipe(sys::PipeMode::Packets);
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    run_and_leave([&, &told = news_end] {
      if (::setsid() == -1) sys::fail("setsid");
      let_go_of_descriptors(plan, told);
      Supervisor{plan, std::move(told)}.run();
    });
  }
  news_ = std::move(news);
  auto pidfd = sys::open_pidfd(pid);  // it is ours to reap, so the number is its own
  if (pidfd) supervisor_ = std::move(*pidfd);
}

std::optional<News> Background::next() {
  char bytes[PIPE_BUF];
  const ssize_t size =
      sys::retry("hear of the command", [&] { return ::read(news_.get(), bytes, sizeof bytes); });
  if (size == 0) return std::nullopt;
  pool::Reader reader{{bytes, static_cast<std::size_t>(size)}};
  News news;
  news.kind = reader.get<News::Kind>();
  news.pid = reader.get<pid_t>();
  news.code = reader.get<int>();
  news.text = reader.get<std::string>();
  return news;
}

void Background::stop() {
  if (supervisor_) sys::send_signal(supervisor_, SIGTERM);
}

}  // namespace procrun::engine
