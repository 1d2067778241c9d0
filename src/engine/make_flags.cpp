#include "engine/make_flags.h"

#include <fmt/core.h>

#include <charconv>
#include <vector>

namespace procrun::engine {
namespace {

constexpr std::string_view kEndOfOptions = "--";

/// As make splits it: at blanks, but not behind a backslash.
std::vector<std::string_view> words_of(std::string_view value) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while ((at = value.find_first_not_of(" \t\n", at)) != std::string_view::npos) {
    std::size_t end = at;
    while (end < value.size() && std::string_view{" \t\n"}.find(value[end]) == value.npos) {
      end += value[end] == '\\' ? 2 : 1;
    }
    words.push_back(value.substr(at, end - at));
    at = end;
    if (at >= value.size()) break;
  }
  return words;
}

/// Letters without a dash stand first, or nowhere.
bool are_letters(std::string_view word) {
  return word.front() != '-' && word.find('=') == std::string_view::npos;
}

std::optional<unsigned> jobs_in(std::string_view word) {
  unsigned jobs = 0;
  if (!word.starts_with("-j")) return std::nullopt;
  const char* const end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data() + 2, end, jobs);
  if (error != std::errc{} || stop != end || jobs == 0) return std::nullopt;
  return jobs;
}

/// --jobserver-auth=…, or what it was called before make 4.2; its other options have no address.
std::optional<std::string_view> jobserver_in(std::string_view word) {
  for (const std::string_view name : {"--jobserver-auth=", "--jobserver-fds="}) {
    if (word.starts_with(name)) return word.substr(name.size());
  }
  return std::nullopt;
}

/// Without the backslashes that make puts before a blank and before a backslash.
std::string bare(std::string_view word) {
  std::string text;
  for (std::size_t at = 0; at < word.size(); ++at) {
    if (word[at] == '\\' && at + 1 < word.size()) ++at;
    text += word[at];
  }
  return text;
}

bool is_about_jobs(std::string_view word) {
  return word.starts_with("-j") || word.starts_with("--jobs");
}

}  // namespace

MakeFlags parse_make_flags(std::string_view value) {
  MakeFlags flags;
  const auto words = words_of(value);
  if (!words.empty() && are_letters(words.front())) {
    flags.dry_run = words.front().find('n') != std::string_view::npos;
  }
  for (const auto word : words) {
    if (const auto jobs = jobs_in(word)) flags.jobs = jobs;
    if (const auto jobserver = jobserver_in(word)) flags.jobserver = bare(*jobserver);
  }
  return flags;
}

std::string make_flags_with(std::string_view value, const JobserverAddress& address) {
  std::string options;
  std::string variables;
  bool behind = false;
  for (const auto word : words_of(value)) {
    if (word == kEndOfOptions) behind = true;
    if (word == kEndOfOptions || is_about_jobs(word)) continue;
    std::string& part = behind ? variables : options;
    part += word;
    part += ' ';
  }
  // Without letters it begins with a blank, as make's own do.
  if (options.empty()) options = " ";
  return fmt::format("{}-j{} --jobserver-auth={},{} -- {}--jobserver-auth=fifo:{}", options,
                     address.jobs, address.read, address.write, variables, address.fifo);
}

}  // namespace procrun::engine
