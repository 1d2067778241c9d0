#include "cmd/named_jobs.h"

#include <chrono>
#include <stdexcept>

#include "state/directory.h"
#include "state/record_watch.h"

namespace procrun::cmd {
namespace {

using Kind = state::JobState::Kind;

/// A supervisor writes down how its job ended as soon as it has reaped it.
constexpr auto kWrittenSoon = std::chrono::seconds{2};

}  // namespace

bool can_be_job(const std::string& word) {
  try {
    state::check_name(word);
    return true;
  } catch (const std::invalid_argument&) {
    return false;
  }
}

const state::Records& NamedJobs::records() {
  if (!records_) records_.emplace(state::directory());
  return *records_;
}

std::optional<state::Record> NamedJobs::find(const std::string& name) {
  return records().named(name);
}

std::optional<state::Record> NamedJobs::ended_at(const Address& address) {
  try {
    auto record = records().of_pid(address.pid);
    if (!record || record->boot != sys::boot_id()) return std::nullopt;
    if (record->pid_namespace != sys::pid_namespace()) return std::nullopt;
    const auto& command = record->command;
    const bool is_it = address.start_time.value_or(command.start_time) == command.start_time &&
                       address.inode.value_or(command.inode) == command.inode;
    return is_it ? std::move(record) : std::nullopt;
  } catch (const std::exception&) {
    return std::nullopt;  // nobody has asked for a job: without records there is none
  }
}

std::optional<Stranger> NamedJobs::process_of(const state::Record& record) {
  // Numbers of another boot or pid namespace are not looked for here.
  if (records().state_of(record).kind != Kind::Running) return std::nullopt;
  return Stranger::find(record.command);
}

state::JobState NamedJobs::end_of(const state::Record& record) {
  state::RecordWatch watch{records(), record};
  state::JobState state = watch.wait_until(sys::Clock::now() + kWrittenSoon);
  if (state.kind == Kind::Running) state.why = "its supervisor has not written it down";
  return state;
}

}  // namespace procrun::cmd
