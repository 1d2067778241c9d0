#include "cmd/job_variables.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "input/shell.h"

namespace procrun::cmd {
namespace {

using What = job::Variable::What;
using Texts = std::vector<std::string>;

constexpr const char* kAttempt = "PROCRUN_ATTEMPT";
constexpr const char* kRunId = "PROCRUN_RUN_ID";
constexpr const char* kPid = "PARALLEL_PID";
constexpr const char* kName = "PROCRUN_JOB_NAME";

const std::vector<job::Variable>& variables_of_jobs() {
  static const std::vector<job::Variable> all{{"PROCRUN_SEQ", What::Seq},
                                              {"PROCRUN_SLOT", What::Slot},
                                              {"PROCRUN_SLOT0", What::SlotFromZero},
                                              {kAttempt, What::Attempt},
                                              {"PARALLEL_SEQ", What::Seq},
                                              {"PARALLEL_JOBSLOT", What::Slot},
                                              {kName, What::Name}};
  return all;
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

/// Whether the options say what becomes of that variable.
bool is_decided(std::string_view name, const JobOptions& options) {
  const auto sets = [name](const std::string& entry) { return name_of(entry) == name; };
  return std::any_of(options.env.begin(), options.env.end(), sets) ||
         std::find(options.unset.begin(), options.unset.end(), name) != options.unset.end();
}

/// The environment of `policy`, as one that can be changed.
Texts& environment_of(job::Policy& policy) {
  if (!policy.env) {
    policy.env.emplace();
    for (char** entry = environ; *entry != nullptr; ++entry) policy.env->emplace_back(*entry);
  }
  return *policy.env;
}

/// Leaves out those of the names that the options do not speak of; these are returned.
Texts take_out(Texts names, job::Policy& policy, const JobOptions& options) {
  std::erase_if(names, [&](const std::string& name) { return is_decided(name, options); });
  std::erase_if(environment_of(policy), [&](const std::string& entry) {
    return std::find(names.begin(), names.end(), name_of(entry)) != names.end();
  });
  return names;
}

void tell(job::Policy& policy, const std::vector<job::Variable>& variables, const Texts& names) {
  for (const job::Variable& variable : variables) {
    if (std::find(names.begin(), names.end(), variable.name) != names.end()) {
      policy.variables.push_back(variable);
    }
  }
}

}  // namespace

std::string parse_slot_variable(const std::string& text) {
  if (text.empty() || text.find('=') != std::string::npos) {
    throw std::invalid_argument("'" + input::printable(text) + "' is not the name of a variable");
  }
  const auto& all = variables_of_jobs();
  const auto is_it = [&](const job::Variable& variable) { return variable.name == text; };
  if (std::any_of(all.begin(), all.end(), is_it) || text == kRunId || text == kPid ||
      text == kName) {
    throw std::invalid_argument(text + " has a meaning of its own for jobs");
  }
  return text;
}

void tell_jobs(job::Policy& policy, const JobOptions& options, const PoolVariables& told) {
  auto variables = variables_of_jobs();
  if (options.clear_env) variables.clear();
  const std::vector<std::pair<std::string, std::string>> fixed{{kRunId, told.run_id},
                                                               {kPid, std::to_string(::getpid())}};
  if (!told.slot_variable.empty()) variables.push_back({told.slot_variable, What::SlotFromZero});
  Texts names{kName};  // also where none is told: that of a job above us is none of ours
  for (const auto& variable : variables) names.push_back(variable.name);
  for (const auto& [name, value] : fixed) names.push_back(name);
  names = take_out(std::move(names), policy, options);
  tell(policy, variables, names);
  if (options.clear_env) return;
  for (const auto& [name, value] : fixed) {
    if (!is_decided(name, options)) policy.env->push_back(name + '=' + value);
  }
}

void tell_attempt(job::Policy& policy, const JobOptions& options) {
  if (options.clear_env) return;
  const auto names = take_out({kAttempt}, policy, options);
  tell(policy, {{kAttempt, What::Attempt}}, names);
}

}  // namespace procrun::cmd
