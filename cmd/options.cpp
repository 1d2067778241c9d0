#include "cmd/options.h"

#include <fmt/core.h>

// CLI11 includes <iostream> for names that are not used here, and with it would come the
// construction of eight streams at every start, a tenth of what a wrapper may cost. So the header
// is skipped, and what it declares is declared without its initialiser.
#include <istream>
#include <ostream>
#define _GLIBCXX_IOSTREAM 1  // NOLINT(bugprone-reserved-identifier)
namespace std {
extern ostream cout;
extern ostream cerr;
}  // namespace std

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>

#include "input/shell.h"

namespace procrun::cmd {
namespace {

void add_value(CLI::App& app, const std::string& names, const Options::Take& take, bool optional) {
  const std::string name = names.substr(names.rfind(',') + 1);
  const auto checked = [name, &take](const CLI::results_t& values) {
    for (const std::string& value : values) {
      try {
        take(value);
      } catch (const std::invalid_argument& error) {
        throw UsageError{name + ": " + error.what()};
      }
    }
    return true;
  };
  // TakeAll, and no extra arguments: each time it is given it has exactly one value, whatever
  // bytes that holds (CLI11 would split '[1,2]').
  app.add_option(names, checked)
      ->expected(optional ? 0 : 1, 1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
}

}  // namespace

Options::Options(std::string_view usage, std::string_view summary)
    : usage_{usage}, summary_{summary} {
  options_.reserve(64);  // more than any verb has, or they would be moved again and again
  flag("-h,--help", "this help", help_wanted_);
  use_ = For::Command;
}

void Options::flag(std::string_view names, std::string_view help, bool& target) {
  action(names, help, [&target] { target = true; });
}

void Options::action(std::string_view names, std::string_view help, std::function<void()> act) {
  options_.push_back({names, {}, help, group_, use_, std::move(act), {}});
}

void Options::value(std::string_view names, std::string_view shown, std::string_view help,
                    Take take) {
  options_.push_back({names, shown, help, group_, use_, {}, std::move(take)});
}

void Options::optional_value(std::string_view names, std::string_view shown, std::string_view help,
                             Take take) {
  value(names, shown, help, std::move(take));
  options_.back().optional = true;
}

bool Options::Option::goes_by(std::string_view name) const {
  return long_name() == name || names.substr(0, names.find(',')) == name;
}

const Options::Option* Options::find(std::string_view name) const {
  const auto option = std::find_if(options_.begin(), options_.end(),
                                   [&](const Option& one) { return one.goes_by(name); });
  return option == options_.end() ? nullptr : &*option;
}

/// How many words the option at `at` takes. Short ones may be bundled (-qj4): the first that
/// takes a value takes the rest of the word, or the next one.
std::size_t Options::words_of_option(const std::vector<std::string>& words, std::size_t at) const {
  const std::string& word = words[at];
  if (word.starts_with("--")) {
    const Option* option = find(std::string_view{word}.substr(0, word.find('=')));
    const bool wants_value = option != nullptr && option->takes_next_word();
    return wants_value && word.find('=') == std::string::npos ? 2 : 1;
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    const Option* option = find(std::string{"-"} + word[i]);
    if (option != nullptr && option->takes_next_word()) return i + 1 == word.size() ? 2 : 1;
  }
  return 1;
}

std::size_t Options::count_options(const std::vector<std::string>& words) const {
  std::size_t at = 0;
  while (at < words.size() && words[at].size() > 1 && words[at][0] == '-' && words[at] != "--") {
    at += words_of_option(words, at);
  }
  if (at <= words.size()) return at;
  throw UsageError{"the option " + input::printable(words.back()) + " needs a value"};
}

/// Marks those that are given; refuses what there is not.
void Options::note_given(const std::vector<std::string>& words) {
  for (std::size_t at = 0; at < words.size(); at += words_of_option(words, at)) {
    const std::string& word = words[at];
    if (word.starts_with("--")) {
      const std::string name = word.substr(0, word.find('='));
      note_given(name);
      if (find(name)->act && name != word) throw UsageError{"the option " + name + " has no value"};
      continue;
    }
    for (std::size_t i = 1; i < word.size(); ++i) {
      const std::string name = std::string{"-"} + word[i];
      note_given(name);
      if (find(name)->takes_next_word()) break;
    }
  }
}

void Options::note_given(std::string_view name) {
  const auto option = std::find_if(options_.begin(), options_.end(),
                                   [&](const Option& one) { return one.goes_by(name); });
  if (option == options_.end()) refuse(std::string{name});
  option->given = true;
}

Words Options::parse(const std::vector<std::string>& words) {
  const auto end = static_cast<std::ptrdiff_t>(count_options(words));
  if (end != 0) {
    std::vector<std::string> given{words.begin(), words.begin() + end};
    note_given(given);
    parse_given(split_empty_values(given));
  }
  Words rest;
  rest.dashes = end < std::ssize(words) && words[static_cast<std::size_t>(end)] == "--";
  rest.command.assign(words.begin() + end + (rest.dashes ? 1 : 0), words.end());
  return rest;
}

/// `--x=` is x with an empty value, where CLI11 would take the next word for it.
std::vector<std::string> Options::split_empty_values(const std::vector<std::string>& words) const {
  std::vector<std::string> split;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t end = at + words_of_option(words, at);
    const std::string& word = words[at];
    const bool is_empty = word.starts_with("--") && word.find('=') == word.size() - 1;
    split.insert(split.end(), words.begin() + static_cast<std::ptrdiff_t>(at),
                 words.begin() + static_cast<std::ptrdiff_t>(end));
    at = end;
    if (!is_empty) continue;
    split.back().pop_back();
    if (find(split.back())->takes_next_word()) split.emplace_back();
  }
  return split;
}

void Options::parse_given(std::vector<std::string> words) const {
  CLI::App app;
  app.set_help_flag();  // ours is an option like any other
  for (const Option& option : options_) {
    if (option.given && option.take)
      add_value(app, std::string{option.names}, option.take, option.optional);
    if (option.given && option.act) app.add_flag_callback(std::string{option.names}, option.act);
  }
  try {
    std::reverse(words.begin(), words.end());
    app.parse(std::move(words));  // wants them in reverse
  } catch (const CLI::ParseError& error) {
    throw UsageError{input::printable(error.what())};
  }
}

std::string Options::given_for(For use) const {
  for (const Option& option : options_) {
    if (option.use == use && option.given) return std::string{option.long_name()};
  }
  return {};
}

bool Options::given(std::string_view name) const {
  const Option* const option = find(name);
  return option != nullptr && option->given;
}

bool Options::has(std::string_view name) const {
  return std::any_of(options_.begin(), options_.end(),
                     [&](const Option& option) { return option.long_name() == name; });
}

std::string Options::given_besides(const std::vector<std::string_view>& names) const {
  for (const Option& option : options_) {
    const auto name = option.long_name();
    const bool named = std::find(names.begin(), names.end(), name) != names.end();
    if (option.given && !named) return std::string{name};
  }
  return {};
}

void Options::refuse(const std::string& name) const {
  const std::string meant = meant_by(name);
  throw NoSuchOption{"there is no option " + input::printable(name) +
                         (meant.empty() ? "" : "; did you mean " + meant + "?"),
                     name};
}

/// Empty where that cannot be told.
std::string Options::meant_by(std::string_view name) const {
  for (const auto& [foreign, ours] : foreign_) {
    if (foreign == name) return std::string{ours};
  }
  if (!name.starts_with("--")) return {};
  std::vector<std::string> known;  // without dashes: how near they are depends on the length
  for (const Option& option : options_) {
    const auto one = option.long_name();
    if (one.starts_with("--")) known.emplace_back(one.substr(2));
  }
  const std::string near = nearest(std::string{name.substr(2)}, known);
  return near.empty() ? near : "--" + near;
}

std::string Options::help() const {
  std::string text = fmt::format("Usage: procrun {}\n\n{}\n", usage_, summary_);
  std::string_view title;
  for (const Option& option : options_) {
    if (option.group != title) text += fmt::format("\n{}:\n", title = option.group);
    std::string names{option.names};
    if (const auto comma = names.find(','); comma != std::string::npos) {
      names.replace(comma, 1, ", ");
    } else if (names.starts_with("--")) {
      names = "    " + names;
    }
    if (option.optional) names += fmt::format("[={}]", option.shown);
    if (option.takes_next_word()) names += fmt::format(" {}", option.shown);
    text += fmt::format("  {:<28} {}\n", names, option.help);
  }
  if (!example_.empty()) text += fmt::format("\nExample:\n  {}", example_);
  return text;
}

}  // namespace procrun::cmd
