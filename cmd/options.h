#pragma once
// The options of one verb: a thin face over CLI11, so that it is compiled once, sees options only
// and never a byte of COMMAND.
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace procrun::cmd {

/// The command line is wrong: one line that says what and how it would be right. Exit code 125.
class UsageError : public std::runtime_error {
  using runtime_error::runtime_error;
};

/// What is left of a command line when its options are taken out.
struct Words {
  std::vector<std::string> command;  // from the first word that is no option, or behind `--`
  bool dashes = false;               // there was a `--`
};

class Options {
 public:
  using Take = std::function<void(const std::string& value)>;
  /// What an option speaks of. Where a word says Command, there has to be one.
  enum class For { Command, Lesson, Both };

  /// `usage` follows "procrun " in the help.
  Options(std::string usage, std::string summary);
  ~Options();
  Options(const Options&) = delete;
  Options& operator=(const Options&) = delete;

  /// Options declared from here on stand below this title in the help.
  void group(std::string title);
  /// Options declared from here on are for this; at first for a Command.
  void declare_for(For use) { use_ = use; }

  /// `names` as CLI11 has them: "-q,--quiet".
  void flag(const std::string& names, const std::string& help, bool& target);
  /// A flag that does something, each time it is given.
  void action(const std::string& names, const std::string& help, std::function<void()> act);
  /// An option with a value: `take` gets it, each time it is given, and throws
  /// std::invalid_argument where it is not acceptable. `shown` stands for it in the help.
  void value(const std::string& names, const std::string& shown, const std::string& help,
             Take take);
  /// The last part of the help.
  void example(std::string text) { example_ = std::move(text); }

  /// Walks `words` up to the end of the options and sets what they say. Throws UsageError.
  Words parse(const std::vector<std::string>& words);
  /// The number of words at the front of `words` that are options, values included.
  std::size_t count_options(const std::vector<std::string>& words) const;
  /// The first option given that is for this alone; empty if there was none.
  std::string given_for(For use) const;
  bool help_wanted() const noexcept { return help_wanted_; }
  std::string help() const;

 private:
  struct Parser;

  std::size_t words_of_option(const std::vector<std::string>& words, std::size_t at) const;
  bool wants_value(const std::string& name) const;
  void remember(const std::string& names);
  void require_known(const std::vector<std::string>& words) const;

  std::unique_ptr<Parser> parser_;
  std::string usage_;
  std::string summary_;
  std::string example_;
  std::string group_ = "Options";
  std::vector<std::pair<std::string, For>> uses_;
  For use_ = For::Command;
  bool help_wanted_ = false;
};

/// The one of `known` that is nearest to `word`, if any is near enough to be meant.
std::string nearest(const std::string& word, const std::vector<std::string>& known);

}  // namespace procrun::cmd
