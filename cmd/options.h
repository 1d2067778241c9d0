#pragma once
// The options of one verb: a table of what there is, and CLI11 for those of them that are given, so
// that a start costs what it uses and CLI11 never sees a byte of COMMAND.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "input/nearest.h"

namespace procrun::cmd {

/// The command line is wrong: one line that says what and how it would be right. Exit code 125.
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// One of its options is none of the verb's.
class NoSuchOption : public UsageError {
 public:
  NoSuchOption(const std::string& what, std::string name)
      : UsageError{what}, name_{std::move(name)} {}
  const std::string& name() const noexcept { return name_; }

 private:
  std::string name_;
};

/// What is left of a command line when its options are taken out.
struct Words {
  std::vector<std::string> command;  // from the first word that is no option, or behind `--`
  bool dashes = false;               // there was a `--`
};

/// Texts that it is given are borrowed for good: literals.
class Options {
 public:
  using Take = std::function<void(const std::string& value)>;
  /// What an option speaks of. Where a word says Command, there has to be one.
  enum class For { Command, Lesson, Both };

  /// `usage` follows "procrun " in the help.
  Options(std::string_view usage, std::string_view summary);

  /// Options declared from here on stand below this title in the help.
  void group(std::string_view title) { group_ = title; }
  /// Options declared from here on are for this; at first for a Command.
  void declare_for(For use) { use_ = use; }

  /// `names` as CLI11 has them: "-q,--quiet", the long one last.
  void flag(std::string_view names, std::string_view help, bool& target);
  /// A flag that does something.
  void action(std::string_view names, std::string_view help, std::function<void()> act);
  /// An option with a value: `take` gets it, each time it is given, and throws
  /// std::invalid_argument where it is not acceptable. `shown` stands for it in the help.
  void value(std::string_view names, std::string_view shown, std::string_view help, Take take);
  /// An option whose value may be left out (`take` gets an empty one then): only as `--x=VALUE`, so
  /// that the next word is never taken for it.
  void optional_value(std::string_view names, std::string_view shown, std::string_view help,
                      Take take);
  /// What another program calls an option of ours: who gives it is told so.
  void elsewhere_called(std::string_view foreign, std::string_view ours) {
    foreign_.emplace_back(foreign, ours);
  }
  /// The last part of the help.
  void example(std::string_view text) { example_ = text; }

  /// Walks `words` up to the end of the options and sets what they say. Throws UsageError.
  Words parse(const std::vector<std::string>& words);
  /// The number of words at the front of `words` that are options, values included.
  std::size_t count_options(const std::vector<std::string>& words) const;
  /// The first option given that is for this alone; empty if there was none.
  std::string given_for(For use) const;
  bool given(std::string_view name) const;
  /// Whether there is one of that long name.
  bool has(std::string_view name) const;
  /// The first option given that is none of these (long names); empty if there was none.
  std::string given_besides(const std::vector<std::string_view>& names) const;
  bool help_wanted() const noexcept { return help_wanted_; }
  std::string help() const;

 private:
  struct Option {
    std::string_view names;
    std::string_view shown;  // empty: a flag
    std::string_view help;
    std::string_view group;
    For use;
    std::function<void()> act;
    Take take;
    bool optional = false;  // the value
    bool given = false;

    std::string_view long_name() const { return names.substr(names.rfind(',') + 1); }
    bool goes_by(std::string_view name) const;
    bool takes_next_word() const { return take && !optional; }
  };

  const Option* find(std::string_view name) const;
  std::vector<std::string> split_empty_values(const std::vector<std::string>& words) const;
  std::size_t words_of_option(const std::vector<std::string>& words, std::size_t at) const;
  void note_given(const std::vector<std::string>& words);
  void note_given(std::string_view name);
  void parse_given(std::vector<std::string> words) const;
  [[noreturn]] void refuse(const std::string& word) const;
  std::string meant_by(std::string_view name) const;

  std::string_view usage_;
  std::string_view summary_;
  std::string_view example_;
  std::string_view group_ = "Options";
  std::vector<Option> options_;
  std::vector<std::pair<std::string_view, std::string_view>> foreign_;
  For use_ = For::Both;
  bool help_wanted_ = false;
};

/// Whether there is an option of that long name among those that `add` declares for a verb.
template <class Wanted>
bool declares(void (*add)(Options& options, Wanted& wanted), std::string_view name) {
  Wanted wanted;
  Options options{"", ""};
  add(options, wanted);
  return options.has(name);
}

using input::nearest;

}  // namespace procrun::cmd
