#include "engine/background.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/own_run.h"
#include "job/tree.h"
#include "pool/codec.h"
#include "process/fork.h"
#include "process/process.h"
#include "sys/error.h"

namespace procrun::engine {
namespace {

/// Tells the one who waits whether the command runs, once.
class Report final : public event::Sink {
 public:
  explicit Report(sys::Fd pipe) : pipe_{std::move(pipe)} {}

  void take(const event::Event& event) override {
    if (event.type == event::Type::Exec) send({.pid = event.pid});
  }
  void send(const Background& started) {
    pool::Writer writer;
    writer.put(started.pid);
    writer.put(started.code);
    writer.put(started.why);
    // Less than PIPE_BUF into an empty pipe: it neither blocks nor tears.
    sys::retry("tell that the command runs",
               [&] { return ::write(pipe_.get(), writer.bytes().data(), writer.bytes().size()); });
    pipe_.reset();
  }

 private:
  sys::Fd pipe_;
};

void place(int fd, int number) {
  if (::dup2(fd, number) == -1) sys::fail("place descriptor " + std::to_string(number));
}

/// Lets go of all that the caller gave us but the report pipe, which becomes number 3.
sys::Fd let_go_of_descriptors(const sys::Fd& report, int out, int err) {
  {
    const sys::Fd null = sys::open("/dev/null", O_RDONLY);
    const sys::Fd log = sys::duplicate(out);
    const sys::Fd errors = sys::duplicate(err);
    place(null.get(), 0);
    place(log.get(), 1);
    place(errors.get(), 2);
  }
  if (report.get() != 3 && ::dup3(report.get(), 3, O_CLOEXEC) == -1) sys::fail("dup3");
  if (::syscall(SYS_close_range, 4U, ~0U, 0) == -1) sys::fail("close_range");
  return sys::Fd{3};
}

void supervise_in_background(const job::Job& job, const job::Policy& policy, sys::Fd pipe) {
  job::become_subreaper();
  Report report{std::move(pipe)};
  event::Bus bus;
  bus.add(report);
  SignalContext context{{.stops = true, .text = {}}, bus, nullptr};
  const job::Outcome outcome = run_own(job, policy, context);
  if (outcome.kind == job::Outcome::Kind::CouldNotStart) {
    report.send({.pid = 0, .code = outcome.code, .why = outcome.why});
  }
}

}  // namespace

Background start_in_background(const job::Job& job, const job::Policy& policy, int out, int err) {
  auto [report, report_end] = sys::make_pipe();
  const pid_t pid = procrun::fork();
  if (pid == 0) {
    run_and_leave([&, &report_end = report_end] {
      if (::setsid() == -1) sys::fail("setsid");
      supervise_in_background(job, policy, let_go_of_descriptors(report_end, out, err));
    });
  }
  report_end.reset();
  char bytes[4096];
  const ssize_t size = sys::retry("hear whether the command runs", [&, &report = report] {
    return ::read(report.get(), bytes, sizeof bytes);
  });
  if (size == 0) return {.pid = 0, .code = 125, .why = "the supervisor ended before it began"};
  pool::Reader reader{{bytes, static_cast<std::size_t>(size)}};
  Background started;
  started.pid = reader.get<pid_t>();
  started.code = reader.get<int>();
  started.why = reader.get<std::string>();
  return started;
}

}  // namespace procrun::engine
