#include "cmd/progress_options.h"

#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include "input/quantity.h"
#include "input/shell.h"
#include "report/progress.h"

namespace procrun::cmd {
namespace {

using Form = ProgressOptions::Form;

constexpr sys::Duration kEvery = std::chrono::seconds{30};

Form parse_form(const std::string& text) {
  if (text == "auto") return Form::Auto;
  if (text == "bar") return Form::Bar;
  if (text == "plain") return Form::Plain;
  if (text == "none") return Form::None;
  throw std::invalid_argument("'" + input::printable(text) + "' is none of auto, bar, plain, none");
}

sys::Duration parse_period(const std::string& text) {
  const auto period = input::parse_duration(text);
  if (period.count() == 0) throw std::invalid_argument("'" + text + "' is no time at all");
  return period;
}

/// Where lines can be erased.
bool can_draw() {
  const char* const term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view{term} != "dumb";
}

}  // namespace

void add_progress_options(Options& options, ProgressOptions& progress) {
  options.value("--progress", "FORM",
                "tell on stderr how far it is: bar, plain lines, or auto: a bar on a terminal, "
                "else lines (none; with -q none)",
                [&](const std::string& text) { progress.form = parse_form(text); });
  options.elsewhere_called("--bar", "--progress");
  options.elsewhere_called("--eta", "--progress");
  options.value("--progress-every", "D", "so often a plain line (30s)",
                [&](const std::string& text) { progress.every = parse_period(text); });
}

Form form_of(const ProgressOptions& progress, bool ungrouped) {
  if (progress.every && (progress.form == Form::None || progress.form == Form::Bar)) {
    throw UsageError{"--progress-every is for plain lines: say --progress plain or auto"};
  }
  if (progress.form == Form::Auto) return can_draw() && !ungrouped ? Form::Bar : Form::Plain;
  if (progress.form != Form::Bar) return progress.form;
  if (ungrouped) throw UsageError{"--progress bar: with -u jobs would write into it"};
  if (!can_draw()) throw UsageError{"--progress bar needs a terminal as stderr"};
  return Form::Bar;
}

std::unique_ptr<event::Sink> make_progress(Form form, const ProgressOptions& progress,
                                           sys::Outlet& err) {
  if (form == Form::Bar) return std::make_unique<report::ProgressBar>(err, STDERR_FILENO);
  if (form != Form::Plain) return nullptr;
  return std::make_unique<report::ProgressLines>(err, progress.every.value_or(kEvery));
}

}  // namespace procrun::cmd
