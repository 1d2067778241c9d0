#pragma once
// GNU parallel's replacement strings: a template is parsed once and rendered for each job.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace procrun::input {

/// What one job's placeholders stand for. Borrowed: it lives as long as the call that takes it.
struct Values {
  std::span<const std::string> items;  // one for each source or column
  std::uint64_t seq = 0;               // {#}, from 1
  unsigned slot = 0;                   // {%}, from 1
};

/// A command whose words hold placeholders, as GNU parallel has them:
///
///     {} {.} {/} {//} {/.}      the item; without extension; its basename; its dirname; both
///     {2} {2.} … {-1} {name.}   only the 2nd item, the last, that of the column `name`
///     {#} {%}                   the job's number and its slot
///
/// `{}` and its like stand for every item of the job, each a word of its own (`x{}y` with the items
/// a and b is `xa by`, unless the word is to be repeated: `xay xby`). An item that is not there
/// (`{3}` of two) is empty. Braces around anything else stay as they are: awk's `{print $1}`, JSON,
/// docker's `{{.Name}}`. Around a placeholder they are doubled to be literal: `{{}}` is `{}`, and
/// `{{{}}}` is the item in braces. What was inserted is never looked at again.
class Template {
 public:
  /// What is said once for each item if `{}` or its like stands in it, so that `x{}y` with the
  /// items a and b is `xay xby`.
  enum class Repeat : unsigned char {
    Nothing,  // `xa by`
    Words,    // the words of the template, for exec
    Chunks,   // what white space and the shell's operators part within them, for the shell
  };

  struct Options {
    std::string token = "{}";  // what stands for `{}` instead; empty: nothing is expanded
    bool expand = true;        // false: nothing is expanded
    std::vector<std::string> names = {};  // of the items, in their order
    Repeat repeat = Repeat::Nothing;
  };

  explicit Template(const std::vector<std::string>& words) : Template{words, Options{}} {}
  Template(const std::vector<std::string>& words, const Options& options);

  /// False: the items are appended, each a word of its own.
  bool has_placeholder() const noexcept { return has_placeholder_; }

  /// For exec. A word with placeholders is one argument whatever bytes the item has, none included;
  /// more than one only where `{}` stands for several items.
  std::vector<std::string> words(const Values& values) const;

  /// For the shell: the template's own text verbatim, words joined by a space, every value quoted.
  /// A placeholder that the template itself puts in quotes is thus quoted twice (`"{}"` gives
  /// `"'a b'"`), as in GNU parallel: leave the quotes away. A missing item leaves nothing at all.
  std::string shell_line(const Values& values) const;

  /// How long words() or shell_line() can get, for a template that repeats: bounds that hardly
  /// exceed what it takes.
  struct Size {
    std::size_t fixed = 0;        // whatever the items are
    std::size_t of_items = 0;     // of all items together
    std::size_t picks = 0;        // so many placeholders name one item, each of any length
    std::size_t picks_again = 0;  // the same, but once more for each item
  };
  struct Measure {
    bool quoted = false;       // for shell_line()
    std::size_t per_word = 1;  // what a word takes besides its bytes
  };
  /// For no items at all.
  Size size(Measure measure) const;
  /// What an item adds.
  struct Added {
    std::size_t bytes = 0;
    std::size_t longest = 0;  // of the words that it stands in, without Measure::per_word
  };
  Added size_of(std::string_view item, Measure measure) const;

  /// For a label: as shell_line, but values unquoted and nothing appended.
  std::string text(const Values& values) const;

 private:
  enum class What : unsigned char { Text, Item, Seq, Slot };
  enum class Form : unsigned char { Whole, NoExtension, Base, Dir, BaseNoExtension };

  /// A piece of a word: text, or a placeholder.
  struct Part {
    What what = What::Text;
    Form form = Form::Whole;
    int item = 0;           // from 1, negative from the end; 0 = each of them
    std::string text = {};  // of What::Text
  };

  /// A word, or with Repeat::Chunks a part of one.
  struct Word {
    std::string lead = {};  // in a shell's line: what parts it from the one before
    std::vector<Part> parts = {};
    bool repeated = false;
  };

  class Parser;

  static std::vector<Word> chunks(std::vector<Part> parts);
  void add(Word word, Repeat repeat);
  static std::string_view shaped(std::string_view item, Form form);
  template <class Insert, class Between>
  static void each_value(const Part& part, const Values& values, Insert insert, Between between);
  template <class Insert>
  static void put(std::string& out, const Word& word, const Values& values, const std::string& item,
                  Insert insert);
  template <class Insert>
  std::string joined(const Values& values, Insert insert) const;

  std::vector<Word> words_;
  bool has_placeholder_ = false;
};

}  // namespace procrun::input
