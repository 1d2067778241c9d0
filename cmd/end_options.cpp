#include "cmd/end_options.h"

#include <optional>
#include <stdexcept>

#include "cmd/numbers.h"
#include "input/split.h"

namespace procrun::cmd {
namespace {

using engine::HaltRule;
using When = HaltRule::When;
using What = HaltRule::What;

std::optional<When> when_of(const std::string& word) {
  if (word == "now") return When::Now;
  if (word == "soon") return When::Soon;
  return std::nullopt;
}

std::optional<What> what_of(const std::string& word) {
  if (word == "fail") return What::Fail;
  if (word == "success") return What::Success;
  if (word == "done") return What::Done;
  return std::nullopt;
}

HaltRule parse_halt(const std::string& text) {
  if (text == "never") return {};
  const std::invalid_argument wrong{"'" + text +
                                    "' is no rule (now,fail=1 soon,success=3 now,done=50% never)"};
  const auto parts = input::split(text, ',');
  if (parts.size() != 2) throw wrong;
  const auto terms = input::split(parts[1], '=');
  const auto when = when_of(parts[0]);
  const auto what = what_of(terms[0]);
  if (!when || !what || terms.size() != 2 || terms[1].empty()) throw wrong;
  const bool is_percent = terms[1].back() == '%';
  const int number = parse_count(terms[1].substr(0, terms[1].size() - (is_percent ? 1 : 0)), 1);
  if (is_percent && number > 100) throw wrong;
  return {.when = *when,
          .what = *what,
          .count = is_percent ? 0 : static_cast<std::uint64_t>(number),
          .percent = is_percent ? number : 0.0};
}

bool parse_on_hup(const std::string& text) {
  if (text != "stop" && text != "drain") {
    throw std::invalid_argument("'" + text + "' is not what can be done (stop, drain)");
  }
  return text == "drain";
}

}  // namespace

void add_end_options(Options& options, EndOptions& end) {
  options.group("When the run ends (else when all jobs have)");
  options.value("--halt", "WHEN,WHAT=N",
                "now|soon,fail|success|done=N|N%: after so many such jobs start no more; now: end "
                "those that run, too (never)",
                [&](const std::string& text) { end.halt = parse_halt(text); });
  options.action("--fail-fast", "--halt now,fail=1",
                 [&] { end.halt = {.when = When::Now, .what = What::Fail, .count = 1}; });
  options.action("--race", "--halt now,success=1: the first that succeeds wins",
                 [&] { end.halt = {.when = When::Now, .what = What::Success, .count = 1}; });
  options.value("--on-hup", "WHAT", "on HUP stop: end the jobs, or drain: let them end (stop)",
                [&](const std::string& what) { end.drains_on_hangup = parse_on_hup(what); });
}

}  // namespace procrun::cmd
