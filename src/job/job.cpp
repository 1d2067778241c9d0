#include "job/job.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "job/own_policy.h"

namespace procrun::job {

StopPlan default_stop_plan() {
  return {{SIGTERM, std::chrono::seconds{10}}, {SIGKILL, sys::Duration::zero()}};
}

namespace {

sys::Duration duration_of(const timeval& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

std::string text_of(Outcome::Fault fault, ExitStatus status) {
  switch (fault) {
    case Outcome::Fault::None:
      return "";
    case Outcome::Fault::Leak:
      return ", but left processes behind";
    case Outcome::Fault::Stderr:
      return ", but wrote to stderr";
    case Outcome::Fault::Output:
      return status.exited() ? ", but wrote more than it may" : ", for it wrote more than it may";
  }
  return "";
}

std::uint64_t value_of(Variable::What what, const Job& job, unsigned attempt) {
  switch (what) {
    case Variable::What::Seq:
      return job.seq;
    case Variable::What::Slot:
      return job.slot;
    case Variable::What::SlotFromZero:
      return job.slot - 1;
    case Variable::What::Attempt:
      return attempt;
    case Variable::What::Name:
      break;
  }
  return 0;
}

}  // namespace

std::string environment_of(const Job& job, const std::vector<Variable>& variables,
                           unsigned attempt) {
  constexpr std::size_t kTypical = 24;
  std::string entries;
  entries.reserve(variables.size() * kTypical);
  for (const auto& [name, what] : variables) {
    if (what != Variable::What::Name) {
      std::array<char, 20> digits;  // of the largest number
      char* const end =
          std::to_chars(digits.begin(), digits.end(), value_of(what, job, attempt)).ptr;
      entries.append(name)
          .append(1, '=')
          .append(digits.data(), static_cast<std::size_t>(end - digits.data()))
          .append(1, '\0');
    } else if (job.own && !job.own->name.empty()) {
      entries.append(name).append(1, '=').append(job.own->name).append(1, '\0');
    }
  }
  return entries;
}

void Usage::add(const rusage& more) {
  user += duration_of(more.ru_utime);
  system += duration_of(more.ru_stime);
  max_rss = std::max(max_rss, more.ru_maxrss);
  minor_faults += more.ru_minflt;
  major_faults += more.ru_majflt;
  voluntary_switches += more.ru_nvcsw;
  involuntary_switches += more.ru_nivcsw;
}

int Outcome::shell_code() const noexcept {
  switch (kind) {
    case Kind::CouldNotStart:
      return code;
    case Kind::Lost:
      return 125;
    case Kind::TimedOut:
      return killed ? 128 + SIGKILL : 124;
    case Kind::Ended:
    case Kind::Cancelled:
      break;
  }
  if (accepted && fault == Fault::None) return 0;
  if (status.success()) return fault == Fault::None ? 0 : 125;
  return fault == Fault::Output ? 125 : status.shell_code();
}

std::string Outcome::text() const {
  switch (kind) {
    case Kind::Ended:
      return status.text() + (oom == Known::Yes ? ", out of memory" : "") + text_of(fault, status);
    case Kind::TimedOut:
      return "timed out: " + status.text();
    case Kind::Cancelled:
      return pid == 0 ? "cancelled" : "cancelled: " + status.text();
    case Kind::CouldNotStart:
    case Kind::Lost:
      return why;
  }
  return why;
}

}  // namespace procrun::job
