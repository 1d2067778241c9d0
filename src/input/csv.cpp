#include "input/csv.h"

#include <fmt/core.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "input/shell.h"

namespace procrun::input {
namespace {

constexpr std::size_t kShown = 60;

[[noreturn]] void refuse(std::string_view where, std::string_view what, std::string_view record) {
  const bool is_long = record.size() > kShown;
  throw std::runtime_error(fmt::format("{}: {} in the record '{}{}'", where, what,
                                       printable(record.substr(0, kShown)), is_long ? "…" : ""));
}

constexpr std::string_view kNotClosed = "a quote is never closed";

/// Follows a record piece by piece, to know whether its end stands within quotes.
class Quotes {
 public:
  explicit Quotes(char separator) : separator_{separator} {}

  void read(std::string_view piece) {
    for (const char c : piece) read(c);
  }
  bool are_open() const noexcept { return state_ == State::Quoted; }

 private:
  enum class State { Begin, Plain, Quoted, Quote };

  void read(char c) {
    if (state_ == State::Quoted) {
      if (c == '"') state_ = State::Quote;
    } else if (c == '"' && state_ != State::Plain) {
      state_ = State::Quoted;  // the field's first, or the second of two
    } else {
      state_ = c == separator_ ? State::Begin : State::Plain;
    }
  }

  char separator_;
  State state_ = State::Begin;
};

class CsvRecords final : public Source {
 public:
  CsvRecords(std::unique_ptr<Source> lines, char separator, char delimiter, const std::string& name)
      : lines_{std::move(lines)},
        separator_{separator},
        delimiter_{delimiter},
        name_{printable(name)},
        quotes_{separator} {}

  Pull next(std::string& record) override {
    for (;;) {
      const auto pull = lines_->next(line_);
      if (pull == Pull::End && quotes_.are_open()) refuse(name_, kNotClosed, record_);
      if (pull != Pull::Item) return pull;
      quotes_.read(line_);
      join(line_);
      if (!quotes_.are_open()) break;
      record_ += delimiter_;
    }
    if (delimiter_ == '\n' && record_.ends_with('\r')) record_.pop_back();
    record.swap(record_);
    record_.clear();
    quotes_ = Quotes{separator_};
    return Pull::Item;
  }

  int wait_fd() const override { return lines_->wait_fd(); }

 private:
  /// Swaps where it can, so that a record of one line is not copied.
  void join(std::string& line) {
    if (record_.empty()) {
      record_.swap(line);
    } else if (record_.size() + line.size() < kMaxItem) {
      record_ += line;
    } else {
      refuse(name_, fmt::format("more than {} MiB within quotes", kMaxItem >> 20), record_);
    }
  }

  std::unique_ptr<Source> lines_;
  char separator_;
  char delimiter_;
  std::string name_;
  Quotes quotes_;
  std::string record_;  // up to where `lines_` has come
  std::string line_;
};

/// Takes the field in quotes at the front of `rest`, without them.
std::string take_quoted(std::string_view& rest, std::string_view record) {
  std::string field;
  for (;;) {
    rest.remove_prefix(1);  // a quote: the first, or the second of two
    const auto end = rest.find('"');
    if (end == std::string_view::npos) refuse("--csv", kNotClosed, record);
    field += rest.substr(0, end);
    rest.remove_prefix(end + 1);
    if (!rest.starts_with('"')) return field;
    field += '"';
  }
}

}  // namespace

std::unique_ptr<Source> csv_records(std::unique_ptr<Source> lines, char separator, char delimiter,
                                    const std::string& name) {
  return std::make_unique<CsvRecords>(std::move(lines), separator, delimiter, name);
}

void split_csv(std::string_view record, char separator, std::vector<std::string>& fields) {
  auto rest = record;
  for (;;) {
    if (rest.starts_with('"')) {
      fields.push_back(take_quoted(rest, record));
      if (!rest.empty() && rest[0] != separator) {
        refuse("--csv", "text behind a closing quote", record);
      }
    } else {
      const auto end = std::min(rest.find(separator), rest.size());
      fields.emplace_back(rest.substr(0, end));
      rest.remove_prefix(end);
    }
    if (rest.empty()) return;
    rest.remove_prefix(1);  // the separator
  }
}

}  // namespace procrun::input
