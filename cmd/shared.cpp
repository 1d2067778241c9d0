#include "cmd/shared.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cstdlib>

#include "engine/recipe.h"
#include "input/shell.h"
#include "sys/error.h"

namespace procrun::cmd {
namespace {

bool is_set(const char* name) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

void write_line(int fd, const std::string& line, const char* attempt) {
  const std::string text = line + "\n";
  for (std::size_t done = 0; done < text.size();) {
    done += static_cast<std::size_t>(
        sys::retry(attempt, [&] { return ::write(fd, text.data() + done, text.size() - done); }));
  }
}

}  // namespace

void add_shared(Options& options, Shared& shared) {
  options.group("Everywhere");
  options.flag("-q,--quiet", "tell no story; errors are told all the same", shared.quiet);
  options.flag("-v,--verbose", "add diagnostics (--log-level debug)", shared.verbose);
  options.declare_for(Options::For::Both);  // a lesson's picture has colours, too
  options.value("--color", "WHEN", "auto, always or never, for procrun's own text (auto)",
                [&](const std::string& when) {
                  if (when != "auto" && when != "always" && when != "never") {
                    throw std::invalid_argument("'" + when + "' is none of auto, always, never");
                  }
                  shared.colour = when;
                });
  options.declare_for(Options::For::Command);
  options.value("--log-level", "LEVEL", "debug, info, warn, error or off (warn)",
                [&](const std::string& level) { shared.log.level = level; });
  options.value("--log-file", "FILE", "where diagnostics go (stderr)",
                [&](const std::string& file) { shared.log.file = file; });
  options.value("--log-format", "FORM", "text or json (text)",
                [&](const std::string& format) { shared.log.format = format; });
}

void add_shell(Options& options, Shared& shared) {
  options.flag("--shell", "run COMMAND by $PROCRUN_SHELL (/bin/sh) -c", shared.shell);
  options.flag("--no-shell", "never by a shell", shared.no_shell);
}

void apply(const Shared& shared) {
  if (shared.shell && shared.no_shell)
    throw UsageError{"--shell and --no-shell exclude each other"};
  LogOptions log = shared.log;
  if (shared.verbose) log.level = "debug";
  log.colour = log.file.empty() && use_colour(shared);
  try {
    set_log(log);
  } catch (const std::invalid_argument& error) {
    throw UsageError{error.what()};
  }
}

bool use_colour(const Shared& shared, int fd) {
  if (shared.colour != "auto") return shared.colour == "always";
  if (is_set("NO_COLOR")) return false;
  if (is_set("FORCE_COLOR") || is_set("CLICOLOR_FORCE")) return true;
  const char* const term = std::getenv("TERM");
  return ::isatty(fd) == 1 && term != nullptr && std::string_view{term} != "dumb";
}

bool tells_story(const Shared& shared) {
  const int flags = ::fcntl(STDERR_FILENO, F_GETFL);
  return !shared.quiet && flags != -1 && (flags & O_ACCMODE) != O_RDONLY;
}

bool helped(const Options& options) {
  if (!options.help_wanted()) return false;
  print_line(options.help());
  return true;
}

bool has_command(const Options& options, const Words& words, const std::string& what) {
  if (!words.command.empty()) {
    const std::string lesson = options.given_for(Options::For::Lesson);
    if (lesson.empty()) return true;
    throw UsageError{lesson + " is the lesson's, which has no " + what};
  }
  const std::string tool = options.given_for(Options::For::Command);
  if (tool.empty() && !words.dashes) return false;
  throw UsageError{"a " + what + " is missing behind " + (tool.empty() ? "--" : tool)};
}

std::vector<std::string> command_argv(const std::vector<std::string>& words, const Shared& shared) {
  const bool by_shell =
      shared.shell || (!shared.no_shell && words.size() == 1 && input::needs_shell(words[0]));
  if (!by_shell) return words;
  std::string line;
  for (const std::string& word : words) line += (line.empty() ? "" : " ") + word;
  return engine::shell_argv(engine::default_shell(), line);
}

std::string command_name(const std::vector<std::string>& words) {
  const std::string program = words[0].substr(0, words[0].find_first_of(" \t\n"));
  return input::printable(program.substr(program.rfind('/') + 1));
}

std::string command_text(const std::vector<std::string>& words) {
  return words.size() == 1 ? input::printable(words[0]) : input::display(words);
}

void block_signals(const sigset_t& signals) {
  if (::sigprocmask(SIG_BLOCK, &signals, nullptr) == -1) sys::fail("sigprocmask");
}

int exit_code(const job::Outcome& outcome) {
  using Kind = job::Outcome::Kind;
  const bool by_itself = outcome.kind == Kind::Ended || outcome.kind == Kind::Cancelled;
  const int code = outcome.shell_code();
  if (by_itself && outcome.status.signaled() && code > 128) {
    sys::die_of(outcome.status.term_signal());
  }
  return code;
}

void print_line(const std::string& line) {
  write_line(STDOUT_FILENO, line, "write to standard output");
}

void tell(const std::string& line) { write_line(STDERR_FILENO, line, "write to standard error"); }

}  // namespace procrun::cmd
