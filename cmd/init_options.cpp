#include "cmd/init_options.h"

#include <unistd.h>

#include <cstdlib>

#include "cmd/job_options.h"
#include "cmd/log.h"
#include "input/quantity.h"
#include "input/shell.h"
#include "sys/signals.h"

namespace procrun::cmd {
namespace {

constexpr auto kGrace = std::chrono::seconds{5};  // shorter than that of docker stop
constexpr auto kGraceOfOthers = std::chrono::seconds{10};

/// TERM:QUIT, 15:3, INT:0.
void parse_rewrite(const std::string& text, std::map<int, int>& rewrite) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) {
    throw std::invalid_argument("'" + input::printable(text) +
                                "' is not FROM:TO (TERM:QUIT, 15:3; INT:0 drops it)");
  }
  const std::string to = text.substr(colon + 1);
  rewrite[sys::parse_signal(text.substr(0, colon))] = to == "0" ? 0 : sys::parse_signal(to);
}

void parse_on_exit(const std::string& text, InitOptions& init) {
  using job::Leftovers;
  init.kill_at_once = text == "kill";
  if (text == "term" || text == "kill") {
    init.on_exit = Leftovers::Stop;
  } else if (text == "leave") {
    init.on_exit = Leftovers::Ignore;
  } else if (text == "wait") {
    init.on_exit = Leftovers::Wait;
  } else {
    throw std::invalid_argument("'" + input::printable(text) +
                                "' is none of leave, term, wait, kill");
  }
}

/// As tini has it, 143 is both: the code, and death by the signal that a shell would so call.
void parse_remap(const std::string& text, job::Policy& policy) {
  const std::size_t known = policy.ok_codes.size();
  parse_ok_exit(text, policy);
  for (std::size_t i = known; i < policy.ok_codes.size(); ++i) {
    if (policy.ok_codes[i] > 128) policy.ok_signals.push_back(policy.ok_codes[i] - 128);
  }
}

void add_signals(Options& options, InitOptions& init) {
  options.group("Signals");
  options.flag("-g,--group", "pass signals on to COMMAND's process group (to COMMAND alone)",
               init.group);
  options.flag("--tree", "to all that descends from COMMAND, setsid or not", init.tree);
  options.flag("-c,--single-child", "to COMMAND alone, as it is without this", init.single_child);
  options.value("-r,--rewrite", "FROM:TO", "pass FROM on as TO (TERM:QUIT); 0: not at all (INT:0)",
                [&](const std::string& text) { parse_rewrite(text, init.rewrite); });
  options.value(
      "-p,--pdeathsig", "SIG", "get this signal when our parent dies; so does COMMAND",
      [&](const std::string& text) { init.parent_death_signal = sys::parse_signal(text); });
  options.optional_value(
      "--die-with-parent", "SIG", "the same (TERM)", [&](const std::string& text) {
        init.parent_death_signal = text.empty() ? SIGTERM : sys::parse_signal(text);
      });
  options.flag("--session",
               "COMMAND leads a session of its own, and has our terminal if we led one",
               init.session);
}

void add_end(Options& options, InitOptions& init) {
  const auto remap = [&](const std::string& text) { parse_remap(text, init.policy); };
  options.group("The end");
  options.value("-e,--ok-exit", "CODE", "an end that counts as success: exit 0 (143, SIG:TERM)",
                remap);
  options.value("--remap-exit", "CODE", "the same", remap);
  options.value("--on-exit", "WHAT",
                "what becomes of processes that COMMAND leaves behind: leave, term, wait or kill "
                "(term: they are named, then TERM, --grace, KILL)",
                [&](const std::string& text) { parse_on_exit(text, init); });
  options.value("--grace", "D", "how long after TERM (5s)",
                [&](const std::string& text) { init.grace = input::parse_duration(text); });
}

}  // namespace

void add_init_options(Options& options, InitOptions& init) {
  init.group = std::getenv("TINI_KILL_PROCESS_GROUP") != nullptr;
  options.group("An init");
  options.flag("-s,--subreaper", "adopt orphans without being PID 1: always on", init.subreaper);
  options.flag("--init", "always on, too", init.init);
  options.flag("-w,--warn", "tell of each orphan that is reaped", init.warn);
  add_signals(options, init);
  add_end(options, init);
}

std::string level_of_tini() {
  const char* const text = std::getenv("TINI_VERBOSITY");
  const std::string level = text == nullptr ? "" : text;
  if (level == "0") return "error";
  if (level == "1") return "warn";
  if (level == "2") return "info";
  return level == "3" ? "debug" : "";
}

job::Policy policy_of(const InitOptions& init) {
  const bool by_environment = std::getenv("TINI_KILL_PROCESS_GROUP") != nullptr;
  if (init.single_child + init.tree + (init.group && !by_environment) > 1) {
    throw UsageError{"--single-child, --group and --tree exclude each other"};
  }
  job::Policy policy = init.policy;
  if (init.group) policy.reach = job::Reach::Group;
  if (init.single_child) policy.reach = job::Reach::Command;
  if (init.tree) policy.reach = job::Reach::Tree;
  policy.parent_death_signal = init.parent_death_signal;
  policy.leftovers = init.on_exit.value_or(job::Leftovers::Stop);
  policy.lingers = !init.kill_at_once && policy.leftovers != job::Leftovers::Ignore;
  const bool terminates = policy.leftovers == job::Leftovers::Stop && !init.kill_at_once;
  if (init.grace && !terminates) throw UsageError{"--grace is for --on-exit term"};
  policy.stop = {{SIGTERM, init.grace.value_or(kGrace)}, {SIGKILL, {}}};
  if (init.kill_at_once) policy.stop = {{SIGKILL, {}}};
  if (init.grace && *init.grace >= kGraceOfOthers && ::getpid() == 1) {
    log_warning("--grace is no shorter than the 10 s that docker stop allows before it kills all");
  }
  return policy;
}

}  // namespace procrun::cmd
