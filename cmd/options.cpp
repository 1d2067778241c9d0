#include "cmd/options.h"

#include <fmt/core.h>

// CLI11 includes <iostream> for names that are not used here, and with it would come the
// construction of eight streams at every start, a tenth of what a wrapper may cost. So the header
// is skipped, and what it declares is declared without its initialiser.
#include <istream>
#include <ostream>
#define _GLIBCXX_IOSTREAM 1
namespace std {
extern ostream cout;
extern ostream cerr;
}  // namespace std

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <numeric>

#include "input/shell.h"

namespace procrun::cmd {

struct Options::Parser {
  CLI::App app;
};

Options::Options(std::string usage, std::string summary)
    : parser_{std::make_unique<Parser>()}, usage_{std::move(usage)}, summary_{std::move(summary)} {
  parser_->app.set_help_flag();  // ours is an option like any other
  parser_->app.add_flag("-h,--help", help_wanted_, "this help")->group(group_);
}

Options::~Options() = default;

void Options::group(std::string title) { group_ = std::move(title); }

void Options::remember(const std::string& names) {
  uses_.emplace_back(names.substr(names.rfind(',') + 1), use_);
}

void Options::flag(const std::string& names, const std::string& help, bool& target) {
  parser_->app.add_flag(names, target, help)->group(group_);
  remember(names);
}

void Options::action(const std::string& names, const std::string& help, std::function<void()> act) {
  parser_->app.add_flag_callback(names, std::move(act), help)->group(group_);
  remember(names);
}

void Options::value(const std::string& names, const std::string& shown, const std::string& help,
                    Take take) {
  const std::string name = names.substr(names.rfind(',') + 1);
  const auto checked = [name, take = std::move(take)](const CLI::results_t& values) {
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
  parser_->app.add_option(names, checked, help)
      ->type_name(shown)
      ->group(group_)
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->allow_extra_args(false);
  remember(names);
}

bool Options::wants_value(const std::string& name) const {
  const CLI::Option* option = parser_->app.get_option_no_throw(name);
  return option != nullptr && option->get_items_expected_min() > 0;
}

/// How many words the option at `at` takes. Short ones may be bundled (-qj4): the first that
/// takes a value takes the rest of the word, or the next one.
std::size_t Options::words_of_option(const std::vector<std::string>& words, std::size_t at) const {
  const std::string& word = words[at];
  if (word.starts_with("--")) {
    const std::string name = word.substr(0, word.find('='));
    const bool has_value = name.size() != word.size();
    return !has_value && wants_value(name) ? 2 : 1;
  }
  for (std::size_t i = 1; i < word.size(); ++i) {
    if (wants_value(std::string{"-"} + word[i])) return i + 1 == word.size() ? 2 : 1;
  }
  return 1;
}

std::size_t Options::count_options(const std::vector<std::string>& words) const {
  std::size_t at = 0;
  while (at < words.size() && words[at].size() > 1 && words[at][0] == '-' && words[at] != "--") {
    at += words_of_option(words, at);
  }
  return std::min(at, words.size());
}

Words Options::parse(const std::vector<std::string>& words) {
  const std::size_t end = count_options(words);
  require_known({words.begin(), words.begin() + static_cast<std::ptrdiff_t>(end)});
  std::vector<std::string> options{words.rend() - static_cast<std::ptrdiff_t>(end), words.rend()};
  try {
    parser_->app.parse(std::move(options));  // wants them in reverse
  } catch (const CLI::ParseError& error) {
    throw UsageError{input::printable(error.what())};
  }
  Words rest;
  rest.dashes = end < words.size() && words[end] == "--";
  rest.command.assign(words.begin() + static_cast<std::ptrdiff_t>(end + (rest.dashes ? 1 : 0)),
                      words.end());
  return rest;
}

std::string Options::given_for(For use) const {
  for (const auto& [name, of] : uses_) {
    if (of == use && parser_->app.count(name) != 0) return name;
  }
  return {};
}

void Options::require_known(const std::vector<std::string>& words) const {
  for (std::size_t at = 0; at < words.size(); at += words_of_option(words, at)) {
    const std::string& word = words[at];
    const bool is_long = word.starts_with("--");
    const std::string name = is_long ? word.substr(0, word.find('=')) : word.substr(0, 2);
    if (parser_->app.get_option_no_throw(name) != nullptr) {
      if (at + words_of_option(words, at) <= words.size()) continue;
      throw UsageError{"the option " + name + " needs a value"};
    }
    std::vector<std::string> known;
    for (const CLI::Option* option : parser_->app.get_options()) {
      for (const std::string& one : option->get_lnames()) known.push_back("--" + one);
    }
    const std::string near = is_long ? nearest(name, known) : "";
    throw UsageError{"there is no option " + input::printable(name) +
                     (near.empty() ? "" : "; did you mean " + near + "?")};
  }
}

std::string Options::help() const {
  std::string text = "Usage: procrun " + usage_ + "\n\n" + summary_ + "\n";
  std::string title;
  for (const CLI::Option* option : parser_->app.get_options()) {
    if (option->get_group() != title) {
      title = option->get_group();
      text += "\n" + title + ":\n";
    }
    std::string names = option->get_name(false, true);
    if (const auto comma = names.find(','); comma != std::string::npos) {
      names.replace(comma, 1, ", ");
    } else {
      names = "    " + names;
    }
    if (option->get_items_expected_min() > 0) names += " " + option->get_type_name();
    text += fmt::format("  {:<28} {}\n", names, option->get_description());
  }
  if (!example_.empty()) text += "\nExample:\n  " + example_ + "\n";
  return text;
}

std::string nearest(const std::string& word, const std::vector<std::string>& known) {
  const auto distance = [&](const std::string& other) {  // Levenshtein's
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= other.size(); ++j) {
        const std::size_t change = diagonal + (word[i - 1] == other[j - 1] ? 0 : 1);
        diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
      }
    }
    return row.back();
  };
  const auto best = std::min_element(known.begin(), known.end(),
                                     [&](auto& a, auto& b) { return distance(a) < distance(b); });
  if (best == known.end() || distance(*best) > std::max<std::size_t>(2, word.size() / 3)) return {};
  return *best;
}

}  // namespace procrun::cmd
