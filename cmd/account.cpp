#include "cmd/account.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>

namespace procrun::cmd {
namespace {

double seconds(sys::Duration duration) { return std::chrono::duration<double>(duration).count(); }

const char* name_of(job::Outcome::Kind kind) {
  switch (kind) {
    case job::Outcome::Kind::Ended:
      return "ended";
    case job::Outcome::Kind::TimedOut:
      return "timed_out";
    case job::Outcome::Kind::Cancelled:
      return "cancelled";
    case job::Outcome::Kind::CouldNotStart:
      return "could_not_start";
    case job::Outcome::Kind::Lost:
      return "lost";
  }
  return "";
}

const char* name_of(job::Known known) {
  switch (known) {
    case job::Known::Yes:
      return "yes";
    case job::Known::No:
      return "no";
    case job::Known::Unknown:
      break;
  }
  return "unknown";
}

}  // namespace

std::string time_report(const job::Outcome& outcome, sys::Duration wall) {
  return fmt::format("real {:.2f}\nuser {:.2f}\nsys {:.2f}", seconds(wall),
                     seconds(outcome.usage.user), seconds(outcome.usage.system));
}

std::string json_report(const std::vector<std::string>& command, const job::Outcome& outcome,
                        sys::Duration wall) {
  nlohmann::ordered_json report;
  report["argv"] = command;
  report["pid"] = outcome.pid;
  report["outcome"] = name_of(outcome.kind);
  report["success"] = outcome.success();
  const bool ran = outcome.pid != 0 && outcome.kind != job::Outcome::Kind::CouldNotStart &&
                   outcome.kind != job::Outcome::Kind::Lost;
  report["code"] = nullptr;
  report["signal"] = nullptr;
  if (ran && outcome.status.exited()) report["code"] = outcome.status.code();
  if (ran && outcome.status.signaled()) report["signal"] = outcome.status.term_signal();
  report["core"] = ran && outcome.status.signaled() && outcome.status.core_dumped();
  report["kill_needed"] = outcome.killed;
  report["oom"] = name_of(outcome.oom);
  report["attempts"] = outcome.attempts;
  report["wall"] = seconds(wall);
  report["user"] = seconds(outcome.usage.user);
  report["sys"] = seconds(outcome.usage.system);
  report["max_rss_kib"] = outcome.usage.max_rss;
  report["minor_faults"] = outcome.usage.minor_faults;
  report["major_faults"] = outcome.usage.major_faults;
  report["voluntary_switches"] = outcome.usage.voluntary_switches;
  report["involuntary_switches"] = outcome.usage.involuntary_switches;
  report["text"] = outcome.text();
  return report.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace procrun::cmd
