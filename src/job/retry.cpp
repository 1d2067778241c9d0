#include "job/retry.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <stdexcept>

#include "input/quantity.h"
#include "input/shell.h"
#include "input/split.h"

namespace procrun::job {
namespace {

[[noreturn]] void refuse_reason(const std::string& part) {
  throw std::invalid_argument("'" + input::printable(part) +
                              "' is no reason (timeout, signal, code:N, match:REGEX)");
}

int parse_code(const std::string& part) {
  int code = 0;
  const char* const end = part.data() + part.size();
  const auto [stop, error] = std::from_chars(part.data() + 5, end, code);
  if (error != std::errc{} || stop != end || code < 0 || code > 255) refuse_reason(part);
  return code;
}

}  // namespace

sys::Duration RetryDelays::before(unsigned attempt, double unit) const {
  if (list.empty() || attempt < 2) return sys::Duration::zero();
  double delay = 0;
  if (up_to) {
    const double first = static_cast<double>(list.front().count());
    delay = std::min(first * std::exp2(static_cast<double>(attempt - 2)),
                     static_cast<double>(up_to->count()));
  } else {
    delay = static_cast<double>(list[std::min<std::size_t>(attempt - 2, list.size() - 1)].count());
  }
  delay *= 1 + jitter * (2 * unit - 1);
  constexpr double kMost = 1e18;  // what a Duration can hold, and more than anybody waits
  return sys::Duration{static_cast<sys::Duration::rep>(std::clamp(delay, 0.0, kMost))};
}

RetryDelays parse_retry_delays(const std::string& text) {
  RetryDelays delays;
  if (text.starts_with("exp:")) {
    const auto dots = text.find("..");
    if (dots == std::string::npos) {
      throw std::invalid_argument("'" + input::printable(text) +
                                  "' is no delay (1s or 1s,2s,4s or exp:1s..60s)");
    }
    delays.list = {input::parse_duration(text.substr(4, dots - 4))};
    delays.up_to = input::parse_duration(text.substr(dots + 2));
    if (*delays.up_to < delays.list.front()) {
      throw std::invalid_argument("'" + input::printable(text) +
                                  "' ends below its first delay (exp:1s..60s)");
    }
    return delays;
  }
  for (const std::string& part : input::split(text, ',')) {
    delays.list.push_back(input::parse_duration(part));
  }
  return delays;
}

Pattern::Pattern(const std::string& text) {
  const int error = ::regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error == 0) return;
  char why[128];
  ::regerror(error, &compiled_, why, sizeof why);
  throw std::invalid_argument("'" + input::printable(text) + "' is no regular expression: " + why);
}

Pattern::~Pattern() { ::regfree(&compiled_); }

bool Pattern::matches(const std::string& line) const {
  return ::regexec(&compiled_, line.c_str(), 0, nullptr, 0) == 0;
}

bool RetryReasons::hold_for(const Outcome& outcome, bool matched) const {
  using Kind = Outcome::Kind;
  if (outcome.success() || outcome.kind == Kind::Cancelled) return false;
  if (any()) return outcome.kind == Kind::Ended || outcome.kind == Kind::TimedOut;
  if (match != nullptr && matched) return true;
  if (outcome.kind == Kind::TimedOut) return timeout;
  if (outcome.kind != Kind::Ended) return false;
  if (outcome.status.signaled()) return signal;
  return std::find(codes.begin(), codes.end(), outcome.status.code()) != codes.end();
}

RetryReasons parse_retry_reasons(const std::string& text) {
  RetryReasons reasons;
  // A regular expression may hold commas: it is the rest.
  const auto match = text.starts_with("match:") ? 0 : text.find(",match:");
  std::string list = text;
  if (match != std::string::npos) {
    const auto colon = text.find(':', match);
    reasons.match = std::make_shared<const Pattern>(text.substr(colon + 1));
    list = text.substr(0, match);
    if (list.empty()) return reasons;
  }
  for (const std::string& part : input::split(list, ',')) {
    if (part == "timeout") {
      reasons.timeout = true;
    } else if (part == "signal") {
      reasons.signal = true;
    } else if (part.starts_with("code:")) {
      reasons.codes.push_back(parse_code(part));
    } else {
      refuse_reason(part);
    }
  }
  return reasons;
}

}  // namespace procrun::job
