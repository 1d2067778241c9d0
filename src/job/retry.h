#pragma once
// When a failed attempt is tried again, and after how long: the rule alone, without processes.
#include <regex.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "job/job.h"
#include "sys/clock.h"

namespace procrun::job {

/// How long to wait before the attempts after the first.
struct RetryDelays {
  /// One for each; the last one holds for all further attempts. Empty: none.
  std::vector<sys::Duration> list = {};
  /// Exponential: the first of `list`, doubled each time, up to this.
  std::optional<sys::Duration> up_to = std::nullopt;
  /// Each delay is made longer or shorter by up to this part of it (0.5: half).
  double jitter = 0;

  /// Before attempt 2, 3, …; `unit` is a random number in [0, 1].
  sys::Duration before(unsigned attempt, double unit) const;
};

/// `1s,2s,4s` or `exp:1s..60s`. Throws std::invalid_argument, showing the forms.
RetryDelays parse_retry_delays(const std::string& text);

/// A POSIX extended regular expression (regex(7)).
class Pattern {
 public:
  /// Throws std::invalid_argument where `text` is none.
  explicit Pattern(const std::string& text);
  ~Pattern();
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  bool matches(const std::string& line) const;

 private:
  regex_t compiled_{};
};

/// Which failures are worth another attempt. With nothing named, each is.
struct RetryReasons {
  bool timeout = false;
  bool signal = false;
  std::vector<int> codes = {};
  std::shared_ptr<const Pattern> match = nullptr;  // against each line of its output

  bool any() const noexcept { return !timeout && !signal && codes.empty() && match == nullptr; }
  bool hold_for(const Outcome& outcome, bool matched) const;
};

/// When and after how long a job is tried again.
struct RetryPolicy {
  RetryDelays delays = {};
  RetryReasons reasons = {};
};

/// `timeout,signal,code:75,match:REGEX`; what follows `match:` is all regex. Throws
/// std::invalid_argument, showing the forms.
RetryReasons parse_retry_reasons(const std::string& text);

}  // namespace procrun::job
