#include <stdexcept>

#include "cmd/events.h"
#include "cmd/job_options.h"
#include "cmd/numbers.h"
#include "cmd/watching.h"
#include "input/quantity.h"
#include "input/shell.h"

namespace procrun::cmd {
namespace {

using engine::Until;

Until parse_until(const std::string& text) {
  if (text == "exit") return Until::Exit;
  if (text == "reaped") return Until::Reaped;
  if (text == "stopped") return Until::Stopped;
  if (text == "continued") return Until::Continued;
  throw std::invalid_argument("'" + input::printable(text) +
                              "' is none of exit, reaped, stopped, continued");
}

void add_target_options(Options& options, WatchOptions& watch) {
  options.group("Whom, besides or instead of PID (each may be given several times)");
  options.value("--pidfile", "FILE", "the process that FILE names in its first line",
                [&](const std::string& path) { watch.pidfiles.push_back(parse_path(path)); });
  options.value("--pgid", "PGID", "all of a process group, whoever joins it, too",
                [&](const std::string& text) { watch.groups.push_back(parse_count(text, 1)); });
  options.value("--sid", "SID", "all of a session",
                [&](const std::string& text) { watch.sessions.push_back(parse_count(text, 1)); });
  options.value("--descendants", "PID", "all that descend from PID, but not PID itself",
                [&](const std::string& text) { watch.roots.push_back(Address::parse(text)); });
  options.flag("-e,--exited", "a process that there is not has ended, and is no error",
               watch.exited);
}

void add_goal_options(Options& options, WatchOptions& watch) {
  options.group("For what");
  options.value("--until", "STATE",
                "exit, reaped, stopped or continued; a stop of less than 5 s may be missed (exit)",
                [&](const std::string& text) { watch.until = parse_until(text); });
  options.value("-c,--count", "N", "until so many of them have (all)", [&](const std::string& n) {
    watch.count = static_cast<std::size_t>(parse_count(n, 1));
  });
  options.action("-n,--any", "--count 1", [&] { watch.count = 1; });
  options.group("Time");
  options.value("-t,--timeout", "D", "give up after this long (250ms, 1.5s, 2m; 0: never)",
                [&](const std::string& text) {
                  const auto limit = input::parse_duration(text);
                  watch.timeout.reset();
                  if (limit.count() != 0) watch.timeout = limit;
                });
  options.value("--on-timeout", "SEQ", "then end those that are left (TERM,5s,KILL)",
                [&](const std::string& text) { watch.on_timeout = parse_term_seq(text); });
}

}  // namespace

void add_watch_options(Options& options, WatchOptions& watch) {
  options.declare_for(Options::For::Command);
  add_target_options(options, watch);
  add_goal_options(options, watch);
  options.group("What comes of it");
  options.flag("--status", "exit with the code of the last that is named; 125: it cannot be known",
               watch.status);
  options.flag("--json", "a line on stdout for each process", watch.json);
  options.declare_for(Options::For::Both);
  add_events(options, watch.events);
  add_timeline(options, watch.timeline);
  options.declare_for(Options::For::Command);
}

}  // namespace procrun::cmd
