#include "cmd/fork_tool.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>

#include "cmd/events.h"
#include "cmd/fork_logs.h"
#include "engine/background.h"
#include "engine/notify.h"
#include "engine/ready.h"
#include "job/deadlines.h"
#include "state/directory.h"
#include "sys/error.h"
#include "sys/pidfd.h"

namespace procrun::cmd {
namespace {

using engine::News;
using engine::ReadyEnd;
using state::JobState;

// --- One at a time ---

/// It was started by somebody before us.
int already(const std::string& what, pid_t pid, const ForkOptions& options) {
  const std::string text =
      fmt::format("{} runs already{}", what, pid != 0 ? fmt::format(": process {}", pid) : "");
  if (!options.jobs.oknodo) {
    log_error(text);
    return 1;
  }
  if (tells_story(options.shared)) tell(text);
  if (pid != 0) print_line(fmt::format("{}", pid));
  return 0;
}

/// Takes the name and the pidfile. The exit code, if the job runs already: somebody holds the lock,
/// or its supervisor was killed and it runs on without one.
std::optional<int> take_place(engine::BackgroundPlan& plan, const ForkOptions& options) {
  const auto pid_if_running = [&](const std::optional<state::Record>& record) {
    const bool runs = record && plan.records.state_of(*record).kind == JobState::Kind::Running;
    return runs ? record->command.pid : 0;
  };
  if (!options.name.empty()) {
    auto lock = plan.records.take_name(options.name);
    const pid_t running = pid_if_running(plan.records.named(options.name));
    if (!lock || running != 0) return already(options.name, running, options);
    plan.name_lock = std::move(*lock);
  }
  if (!options.pidfile.empty()) {
    const std::string path = state::absolute(options.pidfile);
    plan.pidfile = state::PidFile::take(path);
    const pid_t told = state::PidFile::read(path);
    const pid_t running = told != 0 ? pid_if_running(plan.records.of_pid(told)) : 0;
    if (!plan.pidfile) return already("the job of " + options.pidfile, told, options);
    if (running != 0) {
      plan.pidfile->leave();
      return already("the job of " + options.pidfile, running, options);
    }
  }
  return std::nullopt;
}

// --- Where its output goes ---

struct Files {
  sys::Fd in;
  state::Log out;
  state::Log err;
};

state::Log open_output(const std::string& file, bool append) {
  // For appending in any case: what is written through two descriptors is all there, and a file
  // that is cut off while it is written (logrotate) begins anew.
  const int how = O_WRONLY | O_CREAT | O_APPEND | O_NOCTTY | (append ? 0 : O_TRUNC);
  return {sys::open(file, how), state::absolute(file)};
}

Files open_files(engine::BackgroundPlan& plan, const ForkOptions& options) {
  Files files;
  const bool log = options.out.empty() && !options.inherit_stdio;
  if (!options.out.empty()) files.out = open_output(options.out, options.append);
  if (log) files.out = state::new_log(plan.record.id);
  if (!options.err.empty()) files.err = open_output(options.err, options.append);
  if (!options.inherit_stdio) files.in = sys::open("/dev/null", O_RDONLY);
  plan.record.out = files.out.path;
  const bool together = options.err.empty() && !options.inherit_stdio;
  plan.record.err = together ? files.out.path : files.err.path;
  const int out = files.out.file.get();
  plan.stdio = {files.in.get(), out, together ? out : files.err.file.get()};
  return files;
}

// --- What it is started with ---

sys::Fd watch_parent() {
  const pid_t parent = ::getppid();
  if (parent == 0) {
    throw std::runtime_error("--die-with-parent: the parent is outside of our pid namespace");
  }
  auto pidfd = sys::open_pidfd(parent);
  // It may have ended just now, and we be somebody else's.
  if (!pidfd || ::getppid() != parent) throw std::runtime_error("the parent is gone already");
  return std::move(*pidfd);
}

job::Policy background_policy(const JobOptions& options, const ForkOptions& fork,
                              const Given& given) {
  job::Policy policy = policy_of(options);
  policy.group = Command::Group::Session;
  policy.leftovers = job::Leftovers::Wait;
  policy.signals = given.signals;
  if (fork.jobs.term_seq) policy.stop = *fork.jobs.term_seq;
  return policy;
}

void set_up(engine::BackgroundPlan& plan, const std::vector<std::string>& command,
            const ForkOptions& options, const Given& given) {
  JobOptions job = options.job;
  if (options.ready && options.ready->kind == engine::ReadyRule::Kind::Notify) {
    auto socket = engine::make_notify_socket();
    job.env.push_back("NOTIFY_SOCKET=" + socket.address);
    plan.notify = std::move(socket.file);
  }
  if (options.die_with_parent) plan.caller = watch_parent();
  plan.job.argv = command_argv(command, options.shared);
  plan.name = options.name.empty() ? command_name(command) : options.name;
  plan.policy = background_policy(job, options, given);
  plan.tells = options.ready.has_value();
  plan.record.argv = command;
  plan.record.term_seq = options.jobs.term_seq_text;
  plan.record.directory = state::absolute(job.policy.directory);
  plan.record.boot = sys::boot_id();
  plan.record.pid_namespace = sys::pid_namespace();
}

/// Those who listen to the run, in the supervisor.
void add_sinks(engine::BackgroundPlan& plan, const ForkOptions& options) {
  const auto add = [&](std::unique_ptr<event::Sink> sink) {
    if (sink) plan.sinks.push_back(std::move(sink));
  };
  sys::Fd events = open_events_file(options.events, plan.policy);
  sys::Fd timeline = open_timeline(options.timeline);
  plan.kept = {events.get(), timeline.get()};
  add(make_events(options.events, std::move(events)));
  add(make_picture(options.timeline, std::move(timeline), {.title = "procrun fork"}));
}

// --- Readiness ---

void show_last_lines(const engine::BackgroundPlan& plan) {
  const state::Record& record = plan.record;
  for (const std::string& path : {record.out, record.err == record.out ? "" : record.err}) {
    const std::string lines = path.empty() ? "" : last_lines(path);
    if (!lines.empty()) tell(fmt::format("The end of {}:\n{}", path, lines));
  }
}

int end_before_ready(const ReadyEnd& end, const std::string& who, engine::Background& background,
                     const engine::BackgroundPlan& plan) {
  if (end.kind == ReadyEnd::Kind::Ended) {
    log_error(fmt::format("{} {} before it was ready", who, end.status.text()));
  } else if (end.kind == ReadyEnd::Kind::Lost) {
    log_error(fmt::format("the supervisor of {} was killed before it was ready", who));
  } else if (end.kind == ReadyEnd::Kind::TimedOut) {
    log_error(fmt::format("{} was not ready in time, and is ended", who));
  }
  stop_and_wait(background);
  if (end.kind != ReadyEnd::Kind::Interrupted) show_last_lines(plan);
  switch (end.kind) {
    case ReadyEnd::Kind::TimedOut:
      return 124;
    case ReadyEnd::Kind::Interrupted:
      sys::die_of(end.signal);
      return 128 + end.signal;
    case ReadyEnd::Kind::Ended: {
      if (end.status.success()) return 1;  // a service that ends well is none
      job::Outcome outcome;
      outcome.status = end.status;
      return exit_code(outcome);
    }
    case ReadyEnd::Kind::Ready:
    case ReadyEnd::Kind::Lost:
      break;
  }
  return 125;
}

/// Waits until it is ready, if that was asked for; the exit code.
int wait_for_service(engine::Background& background, engine::Probe* probe, const News& started,
                     const engine::BackgroundPlan& plan, const ForkOptions& options) {
  if (!options.ready) return 0;
  const auto begin = sys::Clock::now();
  const auto deadline = options.ready_timeout
                            ? sys::Deadline{job::after(begin, *options.ready_timeout)}
                            : std::nullopt;
  const auto end = engine::wait_until_ready(background, probe, deadline);
  const std::string who = options.name.empty() ? fmt::format("{}", started.pid) : options.name;
  if (end.kind != ReadyEnd::Kind::Ready) return end_before_ready(end, who, background, plan);
  const auto took = std::chrono::duration<double>(sys::Clock::now() - begin).count();
  if (tells_story(options.shared)) tell(fmt::format("{} is ready after {:.3f}s", who, took));
  return 0;
}

int start(engine::BackgroundPlan& plan, const std::vector<std::string>& command,
          const ForkOptions& options, const Given& given) {
  set_up(plan, command, options, given);
  add_sinks(plan, options);
  const Files files = open_files(plan, options);
  const std::string& log = files.out.path;
  log_debug("stdout of the command goes to " + (log.empty() ? "ours" : log));
  block_signals();
  std::unique_ptr<engine::Probe> probe;
  if (options.ready) {
    probe = engine::make_probe(*options.ready, {plan.record.out, plan.record.err}, given.signals);
  }
  engine::Background background{plan};
  plan.pidfile.reset();  // the supervisor's from now on, as these are
  plan.sinks.clear();
  const auto news = background.next();
  if (!news) throw std::runtime_error("the supervisor was killed before the command ran");
  if (news->kind != News::Kind::Started) {
    log_error(news->text);
    if (options.out.empty() && !log.empty()) ::unlink(log.c_str());  // nothing is in it
    return news->code;
  }
  if (tells_story(options.shared)) tell(fmt::format("Parent process ret={}", news->pid));
  const int code = wait_for_service(background, probe.get(), *news, plan, options);
  if (code == 0) print_line(fmt::format("{}", news->pid));
  return code;
}

}  // namespace

int let_go(const std::vector<std::string>& command, const ForkOptions& options,
           const Given& given) {
  const state::Records records{state::directory()};
  engine::BackgroundPlan plan{.records = records};
  plan.record.id = state::new_id(options.name);
  plan.record.name = options.name;
  if (const auto code = take_place(plan, options)) return *code;
  try {
    return start(plan, command, options, given);
  } catch (...) {
    if (plan.pidfile) plan.pidfile->leave();
    throw;
  }
}

}  // namespace procrun::cmd
