#pragma once
// What every verb shares: the options that all have, what we were given, and how a command's end
// becomes ours.
#include <optional>
#include <string>
#include <vector>

#include "cmd/log.h"
#include "cmd/options.h"
#include "job/job.h"
#include "sys/signals.h"

namespace procrun::cmd {

/// What the process had at its start, before it changed anything; commands get it back.
struct Given {
  sys::SignalState signals;
};

struct Shared {
  bool quiet = false;
  bool verbose = false;
  bool shell = false;
  bool no_shell = false;
  std::string colour = "auto";
  LogOptions log = {};
};

/// Declares the options that all verbs have.
void add_shared(Options& options, Shared& shared);
/// Declares --shell and --no-shell.
void add_shell(Options& options, Shared& shared);
/// Sets up diagnostics as the options say. Throws UsageError.
void apply(const Shared& shared);
/// Whether procrun's own text is to be coloured, on stderr or where it is written to.
bool use_colour(const Shared& shared, int fd = 2);

/// Whether the story is told on stderr: not with -q, nor where the caller has closed it.
bool tells_story(const Shared& shared);

/// Prints the help and says so, if it was asked for.
bool helped(const Options& options);

/// Whether there is a COMMAND: false means the lesson. Throws UsageError where one is missing.
bool has_command(const Options& options, const Words& words, const std::string& what = "COMMAND");

/// The words as an argv: executed as they are, or by the shell (cli: "COMMAND").
std::vector<std::string> command_argv(const std::vector<std::string>& words, const Shared& shared);
/// Its name: the program's, without its directory.
std::string command_name(const std::vector<std::string>& words);
/// What that command is called before people.
std::string command_text(const std::vector<std::string>& words);

/// Blocks the signals: procrun reads them from a descriptor from now on.
void block_signals(const sigset_t& signals = sys::all_signals());

/// The exit code for the end of the one command of this run. Where a signal killed it, this
/// process dies of the same signal, and does not return.
int exit_code(const job::Outcome& outcome);

/// Writes one line to stdout in one piece, as the lessons do. Throws std::system_error.
void print_line(const std::string& line);
/// The same to stderr, where a tool tells its story.
void tell(const std::string& line);

}  // namespace procrun::cmd
