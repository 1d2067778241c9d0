// The program: finds the verb, runs it, and turns errors into exit codes, in this one place.
#include <signal.h>

#include <array>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cmd/log.h"
#include "cmd/verbs.h"
#include "input/shell.h"
#include "process/fork.h"
#include "sys/error.h"
#include "sys/fd.h"

namespace procrun::cmd {
namespace {

constexpr int kOwnFailure = 125;
constexpr const char* kVersion = "procrun 0.1.0";

struct Verb {
  const char* name;
  const char* summary;
  int (*run)(const std::vector<std::string>& words, const Given& given);
  bool (*has)(std::string_view option);
};

constexpr std::array kVerbs{
    Verb{"fork", "let go: start COMMAND in the background, print its pid, return", run_fork,
         fork_has},
    Verb{"wait", "reap all: run COMMAND as an init does", run_wait, wait_has},
    Verb{"waitpid", "watch one: wait for given processes, children or not", run_waitpid,
         waitpid_has},
    Verb{"spawn", "own one: COMMAND with a time limit; nothing of its tree outlives it", run_spawn,
         spawn_has},
    Verb{"pool", "own many: one COMMAND per input, N at once", run_pool, pool_has},
};

std::string help() {
  std::string text =
      "Usage: procrun [GLOBAL OPTIONS] VERB [OPTIONS] [--] [COMMAND [ARG]...]\n\n"
      "Runs processes and shows what happens to them. Without a COMMAND each verb is a lesson.\n\n"
      "Verbs:\n";
  for (const Verb& verb : kVerbs) {
    text += "  " + std::string(verb.name) +
            std::string(10 - std::string_view{verb.name}.size(), ' ') + verb.summary + "\n";
  }
  return text +
         "\n`procrun VERB --help` shows the options of a verb; `procrun --version` the version.\n"
         "\nExample:\n  procrun pool -j4 gzip ::: *.txt";
}

const Verb& find_verb(const std::string& word) {
  std::vector<std::string> names;
  for (const Verb& verb : kVerbs) {
    if (word == verb.name) return verb;
    names.emplace_back(verb.name);
  }
  const std::string near = nearest(word, names);
  throw UsageError{
      "there is no verb " + input::display({word}) +
      (near.empty() ? " (fork, wait, waitpid, spawn, pool)" : "; did you mean " + near + "?")};
}

/// Where the verb stands among `words`: behind the global options, if there are any before it.
/// Prints help or version where there is none; then it is empty.
std::optional<std::size_t> verb_place(const std::vector<std::string>& words) {
  if (!words.empty() && !words[0].starts_with('-')) return 0;  // no options have to be built
  Options options{"", ""};
  Shared shared;
  bool version = false;
  options.flag("-V,--version", "", version);
  add_shared(options, shared);
  const std::size_t place = options.count_options(words);
  if (place < words.size()) return place;
  options.parse(words);  // an option that there is not is told first
  if (!version && !options.help_wanted()) {
    throw UsageError{"a verb is missing (fork, wait, waitpid, spawn, pool)"};
  }
  print_line(version ? kVersion : help());
  return std::nullopt;
}

int run(std::vector<std::string> words, const Given& given) {
  const auto place = verb_place(words);
  if (!place) return 0;
  const Verb& verb = find_verb(words[*place]);
  set_log_verb(verb.name);
  words.erase(words.begin() + static_cast<std::ptrdiff_t>(*place));
  return verb.run(words, given);
}

/// It may be one of other verbs.
std::string told(const NoSuchOption& error) {
  std::string verbs;
  for (const Verb& verb : kVerbs) {
    if (verb.has(error.name())) verbs += (verbs.empty() ? "" : ", ") + std::string{verb.name};
  }
  if (verbs.empty()) return error.what();
  return "there is no option " + error.name() + " here: it is an option of " + verbs;
}

int guarded(const std::vector<std::string>& words) {
  try {
    const Given given{sys::signal_state_at_start()};
    ::signal(SIGCHLD, SIG_DFL);  // or nobody could be waited for, if we inherited it ignored
    sys::occupy_closed_stdio();
    return run(words, given);
  } catch (const NoSuchOption& error) {
    log_error(told(error));
  } catch (const std::exception& error) {
    log_error(sys::words_of(error));
  }
  return kOwnFailure;
}

}  // namespace
}  // namespace procrun::cmd

int main(int argc, char** argv) {
  // Not by returning: what is left is the kernel's to clean up, and faster.
  procrun::leave(procrun::cmd::guarded({argv + (argc > 0 ? 1 : 0), argv + argc}));
}
