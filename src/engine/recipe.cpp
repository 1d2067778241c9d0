#include "engine/recipe.h"

#include <cstdlib>
#include <stdexcept>

#include "input/shell.h"
#include "job/own_policy.h"

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

/// What cd cannot take for an option, or for where it was before.
std::string quoted_path(const std::string& path) {
  return input::quote(path.starts_with('-') ? "./" + path : path);
}

/// In the words of env(1).
void append_env(std::string& line, const job::OwnPolicy& own) {
  line += "env ";
  for (const std::string& name : own.unset) line += "-u " + input::quote(name) + ' ';
  for (const std::string& entry : own.env) line += input::quote(entry) + ' ';
}

}  // namespace

job::Job Recipe::make(const std::vector<std::string>& row, std::uint64_t seq, unsigned slot) const {
  const input::Values values{.items = row, .seq = seq, .slot = slot};
  switch (form_) {
    case Form::Exec:
      return checked({.seq = seq, .slot = slot, .argv = template_.words(values)});
    case Form::Shell:
      return checked({.seq = seq,
                      .slot = slot,
                      .argv = shell_argv(shell_, template_.shell_line(values)),
                      .by_shell = true});
    case Form::Lines:
      break;
  }
  std::string line;
  for (const std::string& item : row) line += (line.empty() ? "" : " ") + item;
  if (input::needs_shell(line) || line.empty()) {
    return checked(
        {.seq = seq, .slot = slot, .argv = shell_argv(shell_, std::move(line)), .by_shell = true});
  }
  return checked({.seq = seq, .slot = slot, .argv = {std::move(line)}});
}

job::Job Recipe::make_json(const input::JsonJob& json, std::uint64_t seq, unsigned slot) const {
  auto own = std::make_shared<job::OwnPolicy>(job::OwnPolicy{
      .name = json.name, .timeout = json.timeout, .retries = json.retries, .directory = json.cwd});
  for (const auto& [name, value] : json.env) {
    if (value) {
      own->env.push_back(name + '=' + *value);
    } else {
      own->unset.push_back(name);
    }
  }
  const bool by_shell = json.argv.empty();
  return {.seq = seq,
          .slot = slot,
          .argv = by_shell ? shell_argv(shell_, json.shell) : json.argv,
          .by_shell = by_shell,
          .own = std::move(own)};
}

std::string Recipe::text(const job::Job& job) const {
  if (job.own && !job.own->name.empty()) return shortened(input::printable(job.own->name));
  return shortened(job.by_shell ? input::printable(job.argv[2]) : input::display(job.argv));
}

std::string Recipe::pasteable(const job::Job& job) const {
  const bool has_place = job.own && !job.own->directory.empty();
  const bool has_env = job.own && !(job.own->env.empty() && job.own->unset.empty());
  if (job.by_shell && !has_place && !has_env) return job.argv[2];
  std::string line;
  if (has_place) line = "(cd " + quoted_path(job.own->directory) + " && ";
  if (has_env) append_env(line, *job.own);
  for (const std::string& word : job.argv) {
    if (&word != &job.argv.front()) line += ' ';
    input::append_quoted(line, word);
  }
  return has_place ? line + ')' : line;
}

std::vector<std::string> shell_argv(const std::string& shell, std::string line) {
  return {shell, "-c", std::move(line)};
}

std::string default_shell() {
  const char* const set = std::getenv("PROCRUN_SHELL");
  return set != nullptr && *set != '\0' ? set : "/bin/sh";
}

}  // namespace procrun::engine
