#include "cmd/fork_jobs.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cmd/fork_logs.h"
#include "cmd/job_options.h"
#include "engine/stop_job.h"
#include "input/shell.h"
#include "state/directory.h"

namespace procrun::cmd {
namespace {

using state::JobState;
using state::Record;
using Kind = JobState::Kind;

// --- list ---

using Row = std::array<std::string, 5>;

std::string state_text(const JobState& state) {
  std::string text = state.text();
  if (state.kind == Kind::Running && !state.supervised) text += ", its supervisor was killed";
  if (state.kind == Kind::Ended && state.supervised) text += ", others of its tree run";
  return text;
}

void print_table(const std::vector<Row>& rows) {
  std::array<std::size_t, 5> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    text += fmt::format("{:{}}  {:>{}}  {:{}}  {:{}}  {}\n", row[0], widths[0], row[1], widths[1],
                        row[2], widths[2], row[3], widths[3], row[4]);
  }
  text.pop_back();
  print_line(text);
}

const char* state_name(Kind kind) {
  switch (kind) {
    case Kind::Running:
      return "running";
    case Kind::Ended:
      return "ended";
    case Kind::Unknown:
      break;
  }
  return "unknown";
}

nlohmann::ordered_json or_null(const std::string& text) {
  return text.empty() ? nlohmann::ordered_json{} : nlohmann::ordered_json(text);
}

std::string json_line(const Record& record, const JobState& state) {
  nlohmann::ordered_json line;
  line["name"] = or_null(record.name);
  line["pid"] = record.command.pid;
  line["state"] = state_name(state.kind);
  const bool ended = state.kind == Kind::Ended;
  line["code"] = nullptr;
  line["signal"] = nullptr;
  if (ended && state.status.exited()) line["code"] = state.status.code();
  if (ended && state.status.signaled()) line["signal"] = state.status.term_signal();
  line["core"] = ended && state.status.signaled() && state.status.core_dumped();
  line["why"] = or_null(state.why);
  line["supervised"] = state.supervised;
  line["supervisor"] = record.supervisor.pid;
  line["start_time"] = record.command.start_time;
  line["started"] = record.started;
  line["ended"] = or_null(record.ended);
  line["argv"] = record.argv;
  line["directory"] = record.directory;
  line["stdout"] = or_null(record.out);
  line["stderr"] = or_null(record.err);
  line["id"] = record.id;
  return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

int list(const state::Records& records, const JobsOptions& options) {
  const state::Listing listing = records.all();
  for (const std::string& path : listing.torn) {
    log_warning("the record " + path + " is not whole: the job in it is not known");
  }
  std::vector<Row> rows{{"NAME", "PID", "STATE", "STARTED", "COMMAND"}};
  for (const Record& record : listing.records) {
    const JobState state = records.state_of(record);
    if (options.json) {
      print_line(json_line(record, state));
    } else {
      rows.push_back({record.name.empty() ? "-" : record.name, std::to_string(record.command.pid),
                      state_text(state), record.started, input::display(record.argv)});
    }
  }
  if (!options.json) print_table(rows);
  return 0;
}

// --- stop ---

int nothing_to_do(const JobsOptions& options, const Shared& shared, const std::string& text) {
  if (!options.oknodo) log_error(text);
  if (options.oknodo && tells_story(shared)) tell(text);
  return options.oknodo ? 0 : 1;
}

/// What --stop is given, else what the job was started with.
job::StopPlan stop_plan(const Record& record, const JobsOptions& options) {
  if (options.term_seq) return *options.term_seq;
  return record.term_seq.empty() ? job::default_stop_plan() : parse_term_seq(record.term_seq);
}

int stop(const state::Records& records, const std::string& word, const JobsOptions& options,
         const Shared& shared) {
  const auto record = records.find(word);
  if (!record) return nothing_to_do(options, shared, "there is no job " + input::printable(word));
  const JobState before = records.state_of(*record);
  if (before.kind != Kind::Running && !before.supervised) {
    return nothing_to_do(options, shared, name_of(*record) + " does not run: " + before.text());
  }
  if (!engine::stop_job(*record, stop_plan(*record, options))) {
    throw std::runtime_error("end " + name_of(*record) + ": some of it cannot be killed by us");
  }
  if (tells_story(shared)) {
    const auto now = records.read(record->id);
    tell(fmt::format("{} {}", record->command.pid, records.state_of(now.value_or(*record)).text()));
  }
  return 0;
}

void refuse_others(const Options& options, const Words& rest, const std::string& mode,
                   std::vector<std::string_view> names) {
  const std::string other = [&] {
    for (const char* name : {"--quiet", "--verbose", "--color", "--log-level", "--log-file",
                             "--log-format", "--help"}) {
      names.emplace_back(name);
    }
    return options.given_besides(names);
  }();
  if (!other.empty()) throw UsageError{other + " has no meaning with " + mode};
  if (!rest.command.empty() || rest.dashes) throw UsageError{mode + " takes no COMMAND"};
}

}  // namespace

void add_jobs_options(Options& options, JobsOptions& jobs) {
  options.group("Jobs that were let go (instead of COMMAND)");
  options.flag("--list", "show them: name, pid, state, start, command", jobs.list);
  options.flag("--json", "the list as one line of JSON for each", jobs.json);
  options.value("--stop", "NAME|PID", "end one, its whole tree, and wait until it is gone",
                [&](const std::string& word) { jobs.stop.push_back(word); });
  options.value("--logs", "NAME|PID", "show what one has written to its log files",
                [&](const std::string& word) { jobs.logs = word; });
  options.flag("--follow", "go on until the job has ended", jobs.follow);
}

int run_jobs(const Options& options, const Words& rest, const JobsOptions& jobs,
             const Shared& shared) {
  if (jobs.list) {
    refuse_others(options, rest, "--list", {"--list", "--json"});
  } else if (!jobs.stop.empty()) {
    refuse_others(options, rest, "--stop", {"--stop", "--term-seq", "--oknodo"});
  } else {
    refuse_others(options, rest, "--logs", {"--logs", "--follow"});
  }
  const state::Records records{state::directory()};
  if (jobs.list) return list(records, jobs);
  if (!jobs.logs.empty()) return show_logs(records, jobs.logs, jobs.follow);
  int code = 0;
  for (const std::string& word : jobs.stop)
    code = std::max(code, stop(records, word, jobs, shared));
  return code;
}

std::optional<Record> find_job(const state::Records& records, const std::string& word) {
  auto record = records.find(word);
  if (!record) log_error("there is no job " + input::printable(word));
  return record;
}

std::string name_of(const Record& record) {
  return record.name.empty() ? std::to_string(record.command.pid) : record.name;
}

}  // namespace procrun::cmd
