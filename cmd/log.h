#pragma once
// Diagnostics: what procrun has to say for itself, on stderr or in a file, through spdlog.
#include <string>
#include <string_view>

#include "event/event.h"
#include "sys/outlet.h"

namespace procrun::cmd {

struct LogOptions {
  std::string level = "warn";
  std::string file = {};        // empty: stderr
  std::string format = "text";  // or json
  bool colour = false;
};

/// The verb that every line names from now on.
void set_log_verb(std::string verb);

/// To be called once the options are known; until then errors go to stderr as text. Throws
/// std::invalid_argument for a level or format that there is not,
/// std::system_error for a file that cannot be opened.
void set_log(const LogOptions& options);

/// While it lives, diagnostics for stderr go through `outlet`, in one order with what else is
/// written there, and never block.
class LogThrough {
 public:
  explicit LogThrough(sys::Outlet& outlet);
  ~LogThrough();
  LogThrough(const LogThrough&) = delete;
  LogThrough& operator=(const LogThrough&) = delete;
};

/// One line each; spdlog is set up with the first of them, so that a quiet run does not pay for it.
void log_error(std::string_view text);
void log_warning(std::string_view text);
void log_debug(std::string_view text);

/// Turns what went wrong during a run into diagnostics: jobs that could not run, leaks.
class Trouble final : public event::Sink {
 public:
  /// In a pool each line names its job.
  explicit Trouble(bool name_jobs) : name_jobs_{name_jobs} {}
  void take(const event::Event& event) override;
  event::Interest interest() const override { return event::Interest::Trouble; }

 private:
  bool name_jobs_;
};

}  // namespace procrun::cmd
