#include "cmd/job_options.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "cmd/lock.h"
#include "cmd/numbers.h"
#include "cmd/shared.h"
#include "input/quantity.h"
#include "input/shell.h"
#include "input/split.h"
#include "job/deadlines.h"
#include "job/limits.h"
#include "sys/error.h"

namespace procrun::cmd {
namespace {

using Texts = std::vector<std::string>;

/// 0 is "off".
std::optional<sys::Duration> parse_limit(const std::string& text) {
  const auto limit = input::parse_duration(text);
  return limit.count() == 0 ? std::nullopt : std::optional<sys::Duration>{limit};
}

/// A duration, or for the jobs of a pool N%.
void parse_timeout(const std::string& text, JobOptions& job, Letters letters) {
  const bool percent = letters == Letters::LongOnly && text.ends_with('%');
  job.timeout = percent ? std::nullopt : parse_limit(text);
  job.timeout_percent = percent ? parse_number(text.substr(0, text.size() - 1), 1, 100'000) : 0;
}

job::Leftovers parse_leak(const std::string& text) {
  if (text == "kill") return job::Leftovers::Stop;
  if (text == "fail") return job::Leftovers::Fail;
  if (text == "warn") return job::Leftovers::Warn;
  if (text == "ignore") return job::Leftovers::Ignore;
  throw std::invalid_argument("'" + input::printable(text) +
                              "' is none of kill, fail, warn, ignore");
}

double parse_part(const std::string& text) {
  const bool percent = text.ends_with('%');
  const int number = parse_number(text.substr(0, text.size() - (percent ? 1 : 0)), 0, 100);
  if (!percent) throw std::invalid_argument("'" + input::printable(text) + "' is not N% (25%)");
  return number / 100.0;
}

mode_t parse_umask(const std::string& text) {
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.empty() || error != std::errc{} || *end != '\0' || mode > 0777) {
    throw std::invalid_argument("'" + input::printable(text) + "' is not a umask (022)");
  }
  return mode;
}

std::string parse_assignment(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == 0 || equals == std::string::npos) {
    throw std::invalid_argument("'" + input::printable(text) + "' is not NAME=VALUE");
  }
  return text;
}

/// NAME=VALUE lines; empty ones and those that begin with # are passed over.
Texts read_env_file(const std::string& path) {
  const sys::Fd file = sys::open(path, O_RDONLY);
  std::string text;
  char buffer[4096];
  const auto read = [&] { return ::read(file.get(), buffer, sizeof buffer); };
  while (const auto size = static_cast<std::size_t>(sys::retry(path, read))) {
    text.append(buffer, size);
  }
  Texts entries;
  for (const std::string& line : input::split(text, '\n')) {
    if (!line.empty() && line[0] != '#') entries.push_back(parse_assignment(line));
  }
  return entries;
}

std::string parse_variable(const std::string& text) {
  if (text.empty() || text.find('=') != std::string::npos) {
    throw std::invalid_argument("'" + input::printable(text) + "' is not the name of a variable");
  }
  return text;
}

Place& place_of(JobOptions& job) {
  if (!job.policy.place) job.policy.place.emplace();
  return *job.policy.place;
}

std::string_view names(std::string_view both, Letters letters) {
  return letters == Letters::Short ? both : both.substr(both.find("--"));
}

void add_time(Options& options, JobOptions& job, Letters letters) {
  options.group("Time");
  options.value(names("-t,--timeout", letters), "D",
                letters == Letters::Short
                    ? "end an attempt after this long (250ms, 1.5s, 2m; 0: never)"
                    : "end an attempt after this long (250ms, 1.5s, 2m; 0: never), or after N% of "
                      "the median time of the jobs that ended well, from the third on",
                [&job, letters](const std::string& text) { parse_timeout(text, job, letters); });
  options.value("--deadline", "D", "end all attempts together after this long",
                [&](const std::string& text) { job.deadline = parse_limit(text); });
  options.value(names("-s,--signal", letters), "SIG", "the first signal of that (TERM)",
                [&](const std::string& text) { job.signal = sys::parse_signal(text); });
  options.value(names("-k,--kill-after", letters), "D",
                "so long after it KILL follows (10s; 0: never)", [&](const std::string& text) {
                  job.kill_after = parse_limit(text).value_or(sys::Duration::max());
                });
  options.value("--term-seq", "SEQ", "the whole sequence (TERM,10s,KILL)",
                [&](const std::string& text) { job.term_seq = parse_term_seq(text); });
  options.value("--timeout-exit", "CODE", "the exit code instead of 124 and 137",
                [&](const std::string& text) { job.timeout_exit = parse_number(text, 1, 255); });
  options.flag("--preserve-status", "the command's own status, also when its time was up",
               job.preserve_status);
  options.value("--ok-exit", "LIST", "these ends are a success too (143,SIG:TERM)",
                [&](const std::string& text) { parse_ok_exit(text, job.policy); });
}

void add_tree_and_retries(Options& options, JobOptions& job, Letters letters) {
  options.group("Tree");
  options.flag(names("-f,--foreground", letters), "signals are for COMMAND alone, not for its tree",
               job.foreground);
  options.value("--leak", "WHAT",
                "what becomes of processes that COMMAND leaves behind: kill, fail, warn or ignore "
                "(kill)",
                [&](const std::string& text) { job.leak = parse_leak(text); });
  options.group("Retries");
  options.value(names("-r,--retries", letters), "N", "so many attempts more, if one fails (0)",
                [&](const std::string& text) {
                  job.policy.retries = static_cast<unsigned>(parse_number(text, 0, 1'000'000));
                });
  options.value("--retry-delay", "D", "1s,2s,4s or exp:1s..60s between them (0)",
                [&](const std::string& text) {
                  const double jitter = job.retry.delays.jitter;
                  job.retry.delays = job::parse_retry_delays(text);
                  job.retry.delays.jitter = jitter;
                });
  options.value("--retry-jitter", "N%", "each delay up to so much longer or shorter (0%)",
                [&](const std::string& text) { job.retry.delays.jitter = parse_part(text); });
  options.value(
      "--retry-on", "LIST", "only on timeout,signal,code:75,match:REGEX (any failure)",
      [&](const std::string& text) { job.retry.reasons = job::parse_retry_reasons(text); });
}

void add_limits(Options& options, JobOptions& job) {
  options.group("Limits");
  options.value("--limit", "LIST", "prlimit's names, soft:hard (nofile=1024:4096,core=0,as=2G)",
                [&](const std::string& text) {
                  const auto limits = job::parse_limits(text);
                  auto& all = place_of(job).limits;
                  all.insert(all.end(), limits.begin(), limits.end());
                });
  options.value("--cpus", "LIST", "run on these processors only (0-3,6)",
                [&](const std::string& text) { place_of(job).cpus = job::parse_cpus(text); });
  add_nice(options, job);
  options.value("--oom-score-adj", "N",
                "killed sooner or later when memory runs out (-1000 to 1000)",
                [&](const std::string& text) {
                  place_of(job).oom_score_adj = std::to_string(parse_number(text, -1000, 1000));
                });
  options.action("--no-new-privs", "setuid programs give it no rights",
                 [&] { place_of(job).no_new_privs = true; });
}

void add_descriptors(Options& options, JobOptions& job) {
  options.flag("--close-fds", "it gets no descriptors of ours but 0, 1 and 2",
               job.policy.close_others);
  options.value("--keep-fd", "N", "and this one", [&](const std::string& text) {
    const int fd = parse_number(text, 0, 1'000'000);
    if (::fcntl(fd, F_GETFD) == -1) {
      throw std::invalid_argument("descriptor " + text + " is not open");
    }
    job.policy.kept.push_back(fd);
  });
}

/// Whether the command runs as root, for which the kernel passes over RLIMIT_NPROC.
bool runs_as_root(const Place& place) { return (place.user ? place.user->uid : ::geteuid()) == 0; }

void refuse_idle_limits(const JobOptions& job) {
  if (!job.policy.place || !runs_as_root(*job.policy.place)) return;
  for (const Limit& limit : job.policy.place->limits) {
    if (limit.resource == RLIMIT_NPROC) {
      throw UsageError{"--limit: nproc: the kernel ignores it for root"};
    }
  }
}

void set_env(const JobOptions& job, job::Policy& policy) {
  if (job.env.empty() && job.unset.empty() && !job.clear_env) return;
  const auto name_of = [](const std::string& entry) { return entry.substr(0, entry.find('=')); };
  Texts env;
  const auto put = [&](const std::string& entry) {
    std::erase_if(env, [&](const std::string& old) { return name_of(old) == name_of(entry); });
    env.push_back(entry);
  };
  for (char** entry = environ; !job.clear_env && *entry != nullptr; ++entry) {
    if (std::find(job.unset.begin(), job.unset.end(), name_of(*entry)) == job.unset.end()) {
      env.emplace_back(*entry);
    }
  }
  for (const std::string& entry : job.env) put(entry);
  policy.env = std::move(env);
}

}  // namespace

std::string parse_path(const std::string& text) {
  if (text.empty()) throw std::invalid_argument("'' is not a path");
  return text;
}

void parse_ok_exit(const std::string& text, job::Policy& policy) {
  for (const std::string& part : input::split(text, ',')) {
    if (part.starts_with("SIG:")) {
      policy.ok_signals.push_back(sys::parse_signal(part.substr(4)));
    } else {
      policy.ok_codes.push_back(parse_number(part, 0, 255));
    }
  }
}

job::StopPlan parse_term_seq(const std::string& text) {
  const Texts parts = input::split(text, ',');
  job::StopPlan plan;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 2 == 0) {
      plan.push_back({sys::parse_signal(parts[i]), {}});
    } else {
      plan.back().wait = input::parse_duration(parts[i], input::BareNumber::Refused);
    }
  }
  if (parts.size() % 2 == 0 || plan.back().signal != SIGKILL) {
    throw std::invalid_argument("'" + input::printable(text) +
                                "' does not end with KILL, the one signal that works on all "
                                "(TERM,10s,KILL)");
  }
  return plan;
}

void add_nice(Options& options, JobOptions& job) {
  options.value("--nice", "N", "so much nicer than we are (-39 to 39; what comes of it: -20 to 19)",
                [&](const std::string& text) { job.nice = parse_number(text, -39, 39); });
}

void add_place(Options& options, JobOptions& job, Letters letters) {
  options.group("Place");
  options.value(names("-C,--chdir", letters), "DIR", "run it there; ./tool is looked up there too",
                [&](const std::string& text) { job.policy.directory = parse_path(text); });
  options.value("--env", "K=V", "set in its environment",
                [&](const std::string& text) { job.env.push_back(parse_assignment(text)); });
  options.value("--env-file", "FILE", "the same for each line of FILE",
                [&](const std::string& file) {
                  const Texts entries = read_env_file(file);
                  job.env.insert(job.env.end(), entries.begin(), entries.end());
                });
  options.value("--unset", "K", "leave out of its environment",
                [&](const std::string& text) { job.unset.push_back(parse_variable(text)); });
  options.flag("--clear-env", "start from an empty environment", job.clear_env);
  options.value("--umask", "MODE", "its umask (022)",
                [&](const std::string& text) { place_of(job).umask = parse_umask(text); });
  options.value("--user", "USER[:GROUP]", "run it as this user, by name or number",
                [&](const std::string& text) { place_of(job).user = job::find_user(text); });
}

void add_job_options(Options& options, JobOptions& job, Letters letters) {
  add_time(options, job, letters);
  add_tree_and_retries(options, job, letters);
  add_limits(options, job);
  add_place(options, job, letters);
  add_descriptors(options, job);
}

job::Policy policy_of(const JobOptions& job) {
  if (job.term_seq && (job.signal != 0 || job.kill_after)) {
    throw UsageError{"--term-seq says it all: leave out --signal and --kill-after"};
  }
  const bool has_retries = job.policy.retries != 0 || job.jobs_may_retry;
  if (!has_retries && (!job.retry.reasons.any() || !job.retry.delays.list.empty())) {
    throw UsageError{"there are no retries: say --retries N"};
  }
  if (job.retry.delays.jitter != 0 && job.retry.delays.list.empty()) {
    throw UsageError{"--retry-jitter needs --retry-delay"};
  }
  if (job.preserve_status && job.timeout_exit != 0) {
    throw UsageError{"--preserve-status and --timeout-exit exclude each other"};
  }
  refuse_idle_limits(job);
  job::Policy policy = job.policy;
  policy.timeout = job.timeout;
  policy.deadline = job.deadline;
  if (job.signal != 0) policy.stop.front().signal = job.signal;
  if (job.kill_after) policy.stop.front().wait = *job.kill_after;
  if (job.signal == SIGKILL) policy.stop = {{SIGKILL, {}}};
  if (job.term_seq) policy.stop = *job.term_seq;
  policy.foreground = job.foreground;
  // What is not to be signalled is not to be ended either.
  policy.leftovers =
      job.leak.value_or(job.foreground ? job::Leftovers::Ignore : job::Leftovers::Stop);
  if (has_retries) policy.retry = std::make_shared<const job::RetryPolicy>(job.retry);
  if (job.nice) {
    if (!policy.place) policy.place.emplace();
    policy.place->nice = std::clamp(::getpriority(PRIO_PROCESS, 0) + *job.nice, -20, 19);
  }
  set_env(job, policy);
  return policy;
}

void add_lock(Options& options, JobOptions& job) {
  options.value("--lock", "FILE", "run while nobody else holds this lock (flock(2))",
                [&](const std::string& text) { job.lock = parse_path(text); });
  options.value("--lock-wait", "D", "wait for it at most so long; 0: not at all (for ever)",
                [&](const std::string& text) { job.lock_wait = input::parse_duration(text); });
}

sys::Fd take_lock(const JobOptions& job) {
  if (job.lock.empty()) return {};
  sys::Fd file = sys::open(job.lock, O_RDWR | O_CREAT);
  const sys::Deadline deadline =
      job.lock_wait ? sys::Deadline{job::after(sys::Clock::now(), *job.lock_wait)} : std::nullopt;
  if (lock_file(file, deadline)) return file;
  throw std::runtime_error("lock " + job.lock + ": somebody else holds it");
}

int exit_code(const job::Outcome& outcome, const JobOptions& job) {
  using Kind = job::Outcome::Kind;
  if (outcome.kind == Kind::TimedOut) {
    if (job.preserve_status) return outcome.status.shell_code();
    if (job.timeout_exit != 0) return job.timeout_exit;
  }
  return exit_code(outcome);
}

}  // namespace procrun::cmd
