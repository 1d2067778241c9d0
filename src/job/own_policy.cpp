#include "job/own_policy.h"

#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "job/retry.h"

namespace procrun::job {
namespace {

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

/// Also before what the job would be told by a variable of that name.
void set_env(const OwnPolicy& own, Policy& policy) {
  if (own.env.empty() && own.unset.empty()) return;
  if (!policy.env) {
    policy.env.emplace();
    for (char** entry = environ; *entry != nullptr; ++entry) policy.env->emplace_back(*entry);
  }
  const auto is_decided = [&](std::string_view name) {
    return std::any_of(own.env.begin(), own.env.end(),
                       [&](const std::string& entry) { return name_of(entry) == name; }) ||
           std::find(own.unset.begin(), own.unset.end(), name) != own.unset.end();
  };
  std::erase_if(*policy.env, [&](const std::string& entry) { return is_decided(name_of(entry)); });
  std::erase_if(policy.variables, [&](const Variable& one) { return is_decided(one.name); });
  policy.env->insert(policy.env->end(), own.env.begin(), own.env.end());
}

}  // namespace

Policy with(const Policy& all, const OwnPolicy& own) {
  Policy policy = all;
  if (own.timeout) policy.timeout = own.timeout;
  if (policy.timeout == sys::Duration::zero()) policy.timeout.reset();
  if (own.retries) policy.retries = *own.retries;
  if (policy.retries != 0) {
    if (!policy.retry) policy.retry = std::make_shared<const RetryPolicy>();
    // What a failed attempt wrote is not to be seen, but by line.
    policy.output.takes_turns = policy.output.takes_turns && policy.output.by_line;
  }
  if (!own.directory.empty()) {
    const bool is_relative = !own.directory.starts_with('/') && !all.directory.empty();
    policy.directory = is_relative ? all.directory + '/' + own.directory : own.directory;
  }
  set_env(own, policy);
  return policy;
}

}  // namespace procrun::job
