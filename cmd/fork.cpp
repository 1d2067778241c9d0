// fork: as a lesson, a parent and a child that both run on; as a tool, lets COMMAND go.
#include "cmd/events.h"
#include "cmd/fork_lesson.h"
#include "cmd/fork_tool.h"
#include "cmd/verbs.h"
#include "input/quantity.h"

namespace procrun::cmd {
namespace {

void add_output(Options& options, ForkOptions& fork) {
  options.group("Where its output goes");
  options.value("-o,--stdout", "FILE", "stdout (a new log file in the state directory)",
                [&](const std::string& file) { fork.out = parse_path(file); });
  options.value("-e,--stderr", "FILE", "stderr (where stdout goes)",
                [&](const std::string& file) { fork.err = parse_path(file); });
  options.flag("--append", "to the end of these files", fork.append);
  options.flag("--inherit-stdio", "what no file is given for stays ours, stdin too",
               fork.inherit_stdio);
}

void add_service(Options& options, ForkOptions& fork) {
  options.group("As a service");
  options.value("--name", "NAME", "what it is found by; a second one of that name is not started",
                [&](const std::string& name) {
                  state::check_name(name);
                  fork.name = name;
                });
  options.value("-p,--pidfile", "FILE", "tells its pid while it runs; a second one of it likewise",
                [&](const std::string& file) { fork.pidfile = parse_path(file); });
  options.flag("--oknodo", "nothing to be done is no failure: it runs already, or (--stop) no more",
               fork.jobs.oknodo);
  options.value("--ready", "RULE",
                "return when it is ready: port:[HOST:]PORT, line:REGEX, file:PATH, cmd:LINE or "
                "notify (sd_notify)",
                [&](const std::string& text) { fork.ready = engine::parse_ready(text); });
  options.value("--ready-timeout", "D", "end it if it is not ready after this long (60s; 0: never)",
                [&](const std::string& text) {
                  const auto limit = input::parse_duration(text);
                  fork.ready_timeout.reset();
                  if (limit.count() != 0) fork.ready_timeout = limit;
                });
  options.flag("--die-with-parent", "end it when the process ends that called procrun",
               fork.die_with_parent);
  options.value("--term-seq", "SEQ",
                "how it is ended, also by --stop, where none is given there (TERM,10s,KILL)",
                [&](const std::string& text) {
                  fork.jobs.term_seq = parse_term_seq(text);
                  fork.jobs.term_seq_text = text;
                });
}

void add_options(Options& options, ForkOptions& fork) {
  add_fork_lesson(options, fork.lesson);
  add_service(options, fork);
  add_output(options, fork);
  add_jobs_options(options, fork.jobs);
  add_place(options, fork.job, Letters::Short);
  add_nice(options, fork.job);
  options.group("Account");
  options.declare_for(Options::For::Both);
  add_events(options, fork.events);
  add_timeline(options, fork.timeline);
  options.declare_for(Options::For::Command);
  options.group("How it is run");
  add_shell(options, fork.shared);
  add_shared(options, fork.shared);
  options.example(
      "pid=$(procrun fork --name web --ready port:8000 -- python3 -m http.server 8000)\n"
      "  procrun fork --stop web");
}

void refuse_contradictions(const Options& options, const ForkOptions& fork) {
  if (fork.jobs.json) throw UsageError{"--json needs --list"};
  if (fork.jobs.follow) throw UsageError{"--follow needs --logs"};
  if (fork.append && fork.out.empty() && fork.err.empty()) {
    throw UsageError{"--append needs --stdout or --stderr"};
  }
  if (fork.jobs.oknodo && fork.name.empty() && fork.pidfile.empty()) {
    throw UsageError{"--oknodo needs --name, --pidfile or --stop"};
  }
  if (fork.timeline.in_terminal || fork.timeline.ascii) {
    throw UsageError{
        "the terminal's picture comes when all is over, and fork does not stay for that: say "
        "--timeline=FILE.svg"};
  }
  const bool timed = options.given("--ready-timeout");
  if (timed && !fork.ready) throw UsageError{"--ready-timeout needs --ready"};
}

}  // namespace

bool fork_has(std::string_view option) { return declares(add_options, option); }

int run_fork(const std::vector<std::string>& words, const Given& given) {
  ForkOptions fork;
  Options options{"fork [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Starts COMMAND in the background, prints its pid and returns once it runs.\n"
                  "Without COMMAND: a parent and a child, both run on."};
  add_options(options, fork);
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(fork.shared);
  if (fork.jobs.wanted()) return run_jobs(options, rest, fork.jobs, fork.shared);
  if (!has_command(options, rest)) {
    check_fork_lesson(fork.lesson);
    Chronicle chronicle{fork.events, fork.timeline, fork.shared, "fork"};
    return run_fork_lesson(fork.lesson, chronicle);
  }
  refuse_contradictions(options, fork);
  return let_go(rest.command, fork, given);
}

}  // namespace procrun::cmd
