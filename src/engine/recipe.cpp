#include "engine/recipe.h"

#include <cstdlib>
#include <stdexcept>

#include "input/shell.h"

namespace procrun::engine {

namespace {

/// What holds a NUL byte would reach the program cut short.
job::Job checked(job::Job job) {
  for (const std::string& word : job.argv) {
    if (word.find('\0') == std::string::npos) continue;
    throw std::invalid_argument("item " + std::to_string(job.seq) +
                                " holds a NUL byte, which no argument can: if items end with NUL, "
                                "say -0");
  }
  return job;
}

/// A command that was filled with items can be megabytes. Cut between characters of UTF-8.
std::string shortened(std::string text) {
  constexpr std::size_t kMost = 4096;
  if (text.size() <= kMost) return text;
  std::size_t size = kMost;
  while ((static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80) --size;
  text.resize(size);
  return text += "…";
}

}  // namespace

job::Job Recipe::make(const std::vector<std::string>& row, std::uint64_t seq, unsigned slot) const {
  const input::Values values{.items = row, .seq = seq, .slot = slot};
  switch (form_) {
    case Form::Exec:
      return checked({.seq = seq, .slot = slot, .argv = template_.words(values)});
    case Form::Shell:
      return checked(
          {.seq = seq, .slot = slot, .argv = shell_argv(shell_, template_.shell_line(values))});
    case Form::Lines:
      break;
  }
  std::string line;
  for (const std::string& item : row) line += (line.empty() ? "" : " ") + item;
  if (input::needs_shell(line) || line.empty()) {
    return checked({.seq = seq, .slot = slot, .argv = shell_argv(shell_, std::move(line))});
  }
  return checked({.seq = seq, .slot = slot, .argv = {std::move(line)}});
}

/// Only we write `sh -c line` with exactly these three words.
bool Recipe::by_shell(const job::Job& job) const {
  return form_ != Form::Exec && job.argv.size() == 3;
}

std::string Recipe::text(const job::Job& job) const {
  return shortened(by_shell(job) ? input::printable(job.argv[2]) : input::display(job.argv));
}

std::string Recipe::pasteable(const job::Job& job) const {
  if (by_shell(job)) return job.argv[2];
  std::string line;
  for (const std::string& word : job.argv) {
    if (!line.empty()) line += ' ';
    input::append_quoted(line, word);
  }
  return line;
}

std::vector<std::string> shell_argv(const std::string& shell, std::string line) {
  return {shell, "-c", std::move(line)};
}

std::string default_shell() {
  const char* const set = std::getenv("PROCRUN_SHELL");
  return set != nullptr && *set != '\0' ? set : "/bin/sh";
}

}  // namespace procrun::engine
