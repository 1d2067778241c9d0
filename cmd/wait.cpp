// wait: as a lesson, the parent reaps any child; as a tool, runs COMMAND as an init does.
#include <fmt/core.h>

#include <memory>
#include <utility>

#include "cmd/events.h"
#include "cmd/init_options.h"
#include "cmd/timeline.h"
#include "cmd/verbs.h"
#include "cmd/wait_lesson.h"
#include "engine/init_run.h"
#include "job/tree.h"
#include "report/narration.h"

namespace procrun::cmd {
namespace {

struct WaitOptions {
  Shared shared;
  WaitLesson lesson;
  InitOptions init;
  std::string events;
  TimelineOptions timeline;
};

/// Tells of each orphan that was reaped.
class ReapWarning final : public event::Sink {
 public:
  void take(const event::Event& event) override {
    if (event.type != event::Type::Reap) return;
    log_warning(fmt::format("reaped adopted process {}: {}", event.pid, event.text));
  }
};

void add_options(Options& options, WaitOptions& wait) {
  add_wait_lesson(options, wait.lesson);
  add_init_options(options, wait.init);
  options.group("Account");
  options.declare_for(Options::For::Both);
  add_events(options, wait.events);
  add_timeline(options, wait.timeline);
  options.declare_for(Options::For::Command);
  options.group("How COMMAND is run");
  add_shell(options, wait.shared);
  add_shared(options, wait.shared);
  options.example("procrun wait -- server --port 80   # a container's ENTRYPOINT");
}

int reap_all(const std::vector<std::string>& command, const WaitOptions& options,
             const Given& given) {
  const Shared& shared = options.shared;
  job::Policy policy = policy_of(options.init);
  policy.signals = given.signals;
  std::unique_ptr<event::Sink> events;
  if (!options.events.empty()) events = open_events(options.events, policy);
  sys::Fd timeline = open_timeline(options.timeline);
  block_signals(sys::every_signal());
  job::become_subreaper();
  if (policy.parent_death_signal != 0) sys::die_with_parent(policy.parent_death_signal);
  sys::Outlet err{STDERR_FILENO, "standard error"};
  const LogThrough log_through{err};
  event::Bus bus;
  if (events) bus.add(*events);
  const std::string name = command_name(command);
  const bool tells = tells_story(shared);
  report::Narration narration{err, report::Narration::Story::Single, name,
                              tells && use_colour(shared)};
  Trouble trouble{false};
  if (tells) bus.add(narration);
  ReapWarning warning;
  if (options.init.warn) bus.add(warning);
  bus.add(trouble);
  const auto picture =
      make_picture(options.timeline, std::move(timeline),
                   {.title = "procrun wait", .colour = use_colour(shared), .err = &err});
  if (picture) bus.add(*picture);
  const auto outcome = engine::run_as_init({.job = {.argv = command_argv(command, shared)},
                                            .policy = std::move(policy),
                                            .text = command_text(command),
                                            .name = name,
                                            .rewrite = options.init.rewrite,
                                            .session = options.init.session},
                                           bus, &err);
  if (picture) picture->finish();
  return exit_code(outcome);
}

}  // namespace

bool wait_has(std::string_view option) { return declares(add_options, option); }

int run_wait(const std::vector<std::string>& words, const Given& given) {
  WaitOptions wait;
  Options options{"wait [OPTIONS] [--] [COMMAND [ARG]...]",
                  "Runs COMMAND as an init does: passes signals on, reaps every orphan, ends with\n"
                  "its status. Without COMMAND: a parent that waits for any child."};
  add_options(options, wait);
  if (const auto level = level_of_tini(); !level.empty()) wait.shared.log.level = level;
  const Words rest = options.parse(words);
  if (helped(options)) return 0;
  apply(wait.shared);
  if (!has_command(options, rest)) {
    return play_without_inherited([&] {
      Chronicle chronicle{wait.events, wait.timeline, wait.shared, "wait"};
      return run_wait_lesson(wait.lesson, chronicle);
    });
  }
  return reap_all(rest.command, wait, given);
}

}  // namespace procrun::cmd
