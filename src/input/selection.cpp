#include "input/selection.h"

#include <fmt/core.h>

#include <charconv>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "input/shell.h"
#include "sys/error.h"

namespace procrun::input {
namespace {

class Kept final : public Rows {
 public:
  explicit Kept(std::vector<Row> rows) : rows_{std::move(rows)} {}

  Pull next(Row& row) override {
    if (position_ == rows_.size()) return Pull::End;
    row = std::move(rows_[position_++]);
    return Pull::Item;
  }
  int wait_fd() const override { return -1; }

 private:
  std::vector<Row> rows_;
  std::size_t position_ = 0;
};

/// The number that all of `text` is, 1 at least.
std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value == 0) return std::nullopt;
  return value;
}

std::optional<Share> share(std::string_view text) {
  Share share;
  if (text.starts_with("hash:")) {
    share.by = Share::By::Hash;
  } else if (!text.starts_with("slice:")) {
    return std::nullopt;
  }
  text.remove_prefix(text.find(':') + 1);
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto mine = number(text.substr(0, slash));
  const auto of = number(text.substr(slash + 1));
  if (!mine || !of || *mine > *of) return std::nullopt;
  share.mine = *mine;
  share.of = *of;
  return share;
}

}  // namespace

Share parse_share(const std::string& text) {
  if (const auto parsed = share(text)) return *parsed;
  throw std::invalid_argument(
      fmt::format("'{}' is no share (slice:m/n or hash:m/n, with m from 1 to n)", printable(text)));
}

std::uint64_t stable_hash(const Row& row) {
  std::uint64_t hash = 0xCBF29CE484222325;
  const auto add = [&hash](char c) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3;
  };
  for (const auto& item : row) {
    if (&item != &row.front()) add('\0');
    for (const char c : item) add(c);
  }
  return hash;
}

void skip(Rows& rows, std::uint64_t count) {
  Row row;
  while (count > 0 && await_next(rows, row)) --count;
}

std::unique_ptr<Rows> shuffled(Rows& rows, std::uint64_t seed) {
  std::vector<Row> all;
  for (Row row; await_next(rows, row);) all.push_back(std::move(row));
  // By hand: how std::shuffle uses its generator is the library's affair, and an order has to come
  // again on every machine.
  std::mt19937_64 random{seed};
  for (std::size_t left = all.size(); left > 1; --left) {
    std::swap(all[left - 1], all[random() % left]);
  }
  return std::make_unique<Kept>(std::move(all));
}

Pull Selection::next(Row& row) {
  constexpr int kAtOnce = 10'000;
  pauses_ = false;
  for (int i = 0; i < kAtOnce; ++i) {
    if (count_ && place_ == *count_) return found(Pull::End);
    const auto pull = rows_->next(row);
    if (pull != Pull::Item) return found(pull);
    ++place_;
    if (is_ours(row)) return found(pull);
  }
  return pause();
}

Pull Selection::found(Pull pull) {
  if (pull == Pull::Barrier || pull == Pull::End) names_.end_section();
  if (pull != Pull::Item) return pull;
  if (auto job = rows_->json()) names_.add(std::move(job));
  return pull;
}

Pull Selection::pause() {
  if (!readable_) readable_ = sys::always_readable();
  pauses_ = true;
  return Pull::Later;
}

bool Selection::is_ours(const Row& row) const {
  if (!share_) return true;
  const auto number = share_->by == Share::By::Place ? place_ - 1 : stable_hash(row);
  return number % share_->of == share_->mine - 1;
}

}  // namespace procrun::input
