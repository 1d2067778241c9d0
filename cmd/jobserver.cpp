#include "cmd/jobserver.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <exception>

#include "cmd/jobs.h"
#include "cmd/log.h"

namespace procrun::cmd {
namespace {

constexpr std::string_view kVariable = "MAKEFLAGS";

std::string_view make_flags() {
  const char* const value = std::getenv(kVariable.data());
  return value != nullptr ? value : "";
}

std::vector<std::string> own_environment() {
  std::vector<std::string> variables;
  for (char** at = environ; *at != nullptr; ++at) variables.emplace_back(*at);
  return variables;
}

}  // namespace

/// Without -j it is make that says how many: with its jobserver out of reach one at a time, as make
/// itself does it.
Jobserver::Jobserver(bool serve, const std::string& jobs, unsigned most)
    : serve_{serve}, flags_{engine::parse_make_flags(make_flags())}, most_{most} {
  const std::string trouble = find();
  const bool from_make = jobs.empty() && !flags_.jobserver.empty();
  if (from_make && !trouble.empty() && !serve_) {
    slots_ = 1;
  } else if (from_make && trouble.empty() && flags_.jobs) {
    slots_ = *flags_.jobs;
  } else {
    slots_ = count_jobs(jobs);
  }
  if (!trouble.empty()) warn(trouble, jobs.empty());
}

/// Returns why make's jobserver is out of reach; empty where it is not, or there is none.
std::string Jobserver::find() {
  if (flags_.jobserver.empty() || flags_.dry_run) return "";
  try {
    client_.emplace(flags_.jobserver);
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

/// Others may run as many jobs as they like beside ours, and nobody counts them together.
void Jobserver::warn(const std::string& trouble, bool without_number) const {
  const bool one = without_number && !serve_;
  const std::string instead =
      one ? "jobs run one at a time" : fmt::format("-j{} holds for this pool alone", slots_);
  const char* const advice = flags_.jobserver.starts_with("fifo:")
                                 ? "unset MAKEFLAGS if that make has ended"
                                 : "begin the recipe's line with '+'";
  log_warning(
      fmt::format("make's jobserver is out of reach ({}), so {}: {}", trouble, instead, advice));
}

engine::Tokens* Jobserver::open(job::Policy& policy) {
  if (serve_ && !client_) {
    server_.emplace(slots_);
    client_.emplace("fifo:" + server_->fifo());
    hand_on(policy);
  }
  if (!client_) return nullptr;
  tokens_ = std::make_unique<engine::Tokens>(std::move(*client_), std::max(slots_, most_),
                                             server_ ? &*server_ : nullptr);
  return tokens_.get();
}

void Jobserver::close() noexcept {
  if (server_) server_->remove();
}

void Jobserver::hand_on(job::Policy& policy) const {
  if (!policy.env) policy.env = own_environment();
  const std::string name = std::string{kVariable} + '=';
  std::string value;
  std::erase_if(*policy.env, [&](const std::string& variable) {
    if (!variable.starts_with(name)) return false;
    value = variable.substr(name.size());
    return true;
  });
  policy.env->push_back(name + engine::make_flags_with(value, server_->address()));
  const auto fds = server_->for_clients();
  policy.kept.insert(policy.kept.end(), fds.begin(), fds.end());
}

}  // namespace procrun::cmd
