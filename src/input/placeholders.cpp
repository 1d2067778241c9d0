#include "input/placeholders.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "input/shell.h"

namespace procrun::input {

/// Takes one word apart.
class Template::Parser {
 public:
  Parser(std::string_view word, const Options& options) : rest_{word}, options_{options} {}

  std::vector<Part> parse() {
    const bool expand = options_.expand && !options_.token.empty();
    if (!expand) take_text(rest_.size());
    while (!rest_.empty()) {
      if (!take_token() && !take_braces()) take_text(1);
    }
    flush_text();
    return std::move(parts_);
  }

 private:
  void take_text(std::size_t size) {
    text_ += rest_.substr(0, size);
    rest_.remove_prefix(size);
  }

  void flush_text() {
    if (text_.empty()) return;
    parts_.push_back({.text = std::exchange(text_, {})});
  }

  void add(Part part) {
    flush_text();
    parts_.push_back(std::move(part));
  }

  /// A token other than `{}`, which is one of the braces.
  bool take_token() {
    if (options_.token == "{}" || !rest_.starts_with(options_.token)) return false;
    add({.what = What::Item});
    rest_.remove_prefix(options_.token.size());
    return true;
  }

  /// A placeholder and the braces around it: of n pairs, each two are one literal pair, and the
  /// odd one is the placeholder's own. What has no partner is text.
  bool take_braces() {
    const auto opening = std::min(rest_.find_first_not_of('{'), rest_.size());
    const auto end = rest_.find_first_of("{}", opening);
    if (opening == 0 || end == std::string_view::npos) return false;
    const auto body = rest_.substr(opening, end - opening);
    const auto part = placeholder(body);
    if (!part) return false;

    const auto closing = std::min(rest_.find_first_not_of('}', end), rest_.size()) - end;
    const auto pairs = std::min(opening, closing);
    text_.append(opening - pairs + pairs / 2, '{');
    if (pairs % 2 == 1) {
      add(*part);
    } else {
      text_ += body;
    }
    text_.append(pairs / 2, '}');
    rest_.remove_prefix(end + pairs);
    return true;
  }

  /// What stands between the braces, if it is a placeholder.
  std::optional<Part> placeholder(std::string_view body) const {
    struct Suffix {
      std::string_view text;
      Form form;
    };
    constexpr Suffix kSuffixes[] = {{"", Form::Whole},
                                    {"/.", Form::BaseNoExtension},
                                    {"//", Form::Dir},
                                    {".", Form::NoExtension},
                                    {"/", Form::Base}};
    if (body.empty() && options_.token != "{}") return std::nullopt;
    if (body == "#") return Part{.what = What::Seq};
    if (body == "%") return Part{.what = What::Slot};
    for (const auto& suffix : kSuffixes) {
      if (!body.ends_with(suffix.text)) continue;
      const auto which = item(body.substr(0, body.size() - suffix.text.size()));
      if (which) return Part{.what = What::Item, .form = suffix.form, .item = *which};
    }
    return std::nullopt;
  }

  /// Which item `which` names: by its number or by its column's name; 0 if it is empty.
  std::optional<int> item(std::string_view which) const {
    if (which.empty()) return 0;
    int number = 0;
    const auto* const end = which.data() + which.size();
    const auto [last, error] = std::from_chars(which.data(), end, number);
    const bool is_number = error == std::errc{} && last == end;
    if (is_number && (number != 0 || which[0] != '-')) return number;
    const auto name = std::find(options_.names.begin(), options_.names.end(), which);
    if (name == options_.names.end()) return std::nullopt;
    return static_cast<int>(name - options_.names.begin()) + 1;
  }

  std::string_view rest_;
  const Options& options_;
  std::string text_;
  std::vector<Part> parts_;
};

Template::Template(const std::vector<std::string>& words, const Options& options) {
  words_.reserve(words.size());
  for (const auto& word : words) {
    const char* const lead = words_.empty() ? "" : " ";
    auto parts = Parser{word, options}.parse();
    if (options.repeat != Repeat::Chunks) {
      add({.lead = lead, .parts = std::move(parts)}, options.repeat);
      continue;
    }
    auto split = chunks(std::move(parts));
    split[0].lead = lead;
    for (auto& chunk : split) add(std::move(chunk), options.repeat);
  }
}

void Template::add(Word word, Repeat repeat) {
  for (const auto& part : word.parts) {
    const bool is_every_item = part.what == What::Item && part.item == 0;
    word.repeated = word.repeated || (repeat != Repeat::Nothing && is_every_item);
    has_placeholder_ = has_placeholder_ || part.what != What::Text;
  }
  words_.push_back(std::move(word));
}

/// One at least, the first without a lead.
std::vector<Template::Word> Template::chunks(std::vector<Part> parts) {
  constexpr std::string_view kGap = " \t\n;&|<>()";
  std::vector<Word> all(1);
  for (auto& part : parts) {
    if (part.what != What::Text) {
      all.back().parts.push_back(std::move(part));
      continue;
    }
    for (std::string_view text = part.text; !text.empty();) {
      const auto gap = std::min(text.find_first_not_of(kGap), text.size());
      if (gap > 0) all.push_back({.lead = std::string{text.substr(0, gap)}});
      text.remove_prefix(gap);
      const auto size = std::min(text.find_first_of(kGap), text.size());
      if (size > 0) all.back().parts.push_back({.text = std::string{text.substr(0, size)}});
      text.remove_prefix(size);
    }
  }
  return all;
}

namespace {

std::string_view base(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// A leading dot counts as an extension's, as in GNU parallel: `.bashrc` without it is empty.
std::string_view without_extension(std::string_view path) {
  const auto dot = path.find_last_of("./");
  const bool has_extension = dot != std::string_view::npos && path[dot] == '.';
  return has_extension ? path.substr(0, dot) : path;
}

/// dirname(1).
std::string_view dir(std::string_view path) {
  const auto cut_slashes = [&path] {
    while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  };
  cut_slashes();
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  path = path.substr(0, slash + 1);
  cut_slashes();
  return path;
}

}  // namespace

std::string_view Template::shaped(std::string_view item, Form form) {
  switch (form) {
    case Form::Whole:
      break;
    case Form::NoExtension:
      return without_extension(item);
    case Form::Base:
      return base(item);
    case Form::Dir:
      return dir(item);
    case Form::BaseNoExtension:
      return without_extension(base(item));
  }
  return item;
}

/// Calls `insert` with each value that `part` stands for, and `between` two of them.
template <class Insert, class Between>
void Template::each_value(const Part& part, const Values& values, Insert insert, Between between) {
  if (part.what == What::Seq) return insert(std::to_string(values.seq));
  if (part.what == What::Slot) return insert(std::to_string(values.slot));
  const auto count = static_cast<std::ptrdiff_t>(values.items.size());
  if (part.item != 0) {
    const auto index = part.item > 0 ? part.item - 1 : count + part.item;
    if (index < 0 || index >= count) return;
    return insert(shaped(values.items[static_cast<std::size_t>(index)], part.form));
  }
  for (std::size_t i = 0; i < values.items.size(); ++i) {
    if (i > 0) between();
    insert(shaped(values.items[i], part.form));
  }
}

/// Appends a repeated word for one of the items.
template <class Insert>
void Template::put(std::string& out, const Word& word, const Values& values,
                   const std::string& item, Insert insert) {
  const auto append = [&](std::string_view value) { insert(out, value); };
  for (const auto& part : word.parts) {
    if (part.what == What::Text) {
      out += part.text;
    } else if (part.what == What::Item && part.item == 0) {
      append(shaped(item, part.form));
    } else {
      each_value(part, values, append, [] {});
    }
  }
}

std::vector<std::string> Template::words(const Values& values) const {
  const auto insert = [](std::string& out, std::string_view value) { out += value; };
  std::vector<std::string> out;
  out.reserve(words_.size() + values.items.size());
  for (const auto& word : words_) {
    if (word.repeated) {
      for (const auto& item : values.items) put(out.emplace_back(), word, values, item, insert);
      continue;
    }
    out.emplace_back();
    for (const auto& part : word.parts) {
      if (part.what == What::Text) {
        out.back() += part.text;
      } else {
        each_value(
            part, values, [&](std::string_view value) { insert(out.back(), value); },
            [&] { out.emplace_back(); });
      }
    }
  }
  if (!has_placeholder_) out.insert(out.end(), values.items.begin(), values.items.end());
  return out;
}

/// The words with a space between them; `insert(line, value)` puts the values in.
template <class Insert>
std::string Template::joined(const Values& values, Insert insert) const {
  std::string line;
  for (const auto& word : words_) {
    line += word.lead;
    if (word.repeated) {
      for (const auto& item : values.items) {
        if (&item != values.items.data()) line += ' ';
        put(line, word, values, item, insert);
      }
      continue;
    }
    for (const auto& part : word.parts) {
      if (part.what == What::Text) {
        line += part.text;
      } else {
        each_value(
            part, values, [&](std::string_view value) { insert(line, value); },
            [&] { line += ' '; });
      }
    }
  }
  return line;
}

namespace {

constexpr std::size_t kLongestNumber = 20;

std::size_t size_of_value(std::string_view value, bool quoted) {
  return quoted ? quote(value).size() : value.size();
}

}  // namespace

Template::Size Template::size(Measure measure) const {
  Size size;
  for (const auto& word : words_) {
    size.fixed += word.lead.size();
    if (!word.repeated) size.fixed += measure.per_word;
    for (const auto& part : word.parts) {
      if (part.what == What::Item) {
        if (part.item != 0) ++(word.repeated ? size.picks_again : size.picks);
      } else if (!word.repeated) {
        size.fixed += part.what == What::Text ? part.text.size() : kLongestNumber;
      }
    }
  }
  return size;
}

Template::Added Template::size_of(std::string_view item, Measure measure) const {
  Added added;
  const auto add = [&](std::size_t size) {
    added.bytes += size + measure.per_word;
    added.longest = std::max(added.longest, size);
  };
  if (!has_placeholder_) add(size_of_value(item, measure.quoted));
  for (const auto& word : words_) {
    if (!word.repeated) continue;
    std::size_t size = 0;
    for (const auto& part : word.parts) {
      if (part.what == What::Text) {
        size += part.text.size();
      } else if (part.what != What::Item) {
        size += kLongestNumber;
      } else if (part.item == 0) {
        size += size_of_value(shaped(item, part.form), measure.quoted);
      }
    }
    add(size);
  }
  return added;
}

std::string Template::shell_line(const Values& values) const {
  auto line = joined(values, append_quoted);
  if (has_placeholder_) return line;
  for (const auto& item : values.items) {
    if (!line.empty()) line += ' ';
    append_quoted(line, item);
  }
  return line;
}

std::string Template::text(const Values& values) const {
  return joined(values, [](std::string& line, std::string_view value) { line += value; });
}

}  // namespace procrun::input
