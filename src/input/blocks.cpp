#include "input/blocks.h"

#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "sys/error.h"

namespace procrun::input {
namespace {

/// Steps of up to 64 KiB each, after which the caller is heard: a few milliseconds.
constexpr int kStepsAtOnce = 64;
/// No file is as large, and sums with it do not overflow.
constexpr std::uint64_t kMostSize = std::uint64_t{1} << 62;

}  // namespace

Blocks::Blocks(sys::Fd source, std::string name, Cut cut)
    : cut_{cut}, spool_{std::move(source), std::move(name)} {
  cut_.size = std::clamp<std::uint64_t>(cut_.size, 1, kMostSize);
  begin_block(spool_.begin());
}

void Blocks::begin_block(std::uint64_t place) {
  begin_ = place;
  back_ = cut_.records ? begin_ : begin_ + cut_.size;
  ahead_ = back_;
  records_left_ = cut_.records.value_or(1);
}

Pull Blocks::next(Row& row) {
  row.clear();
  pauses_ = false;
  for (int step = 0; step < kStepsAtOnce; ++step) {
    if (!lacks_bytes()) {
      if (const auto end = search()) return hand_over(*end);
      continue;
    }
    switch (spool_.more()) {
      case Pull::Later:
        return Pull::Later;
      case Pull::End:
        return begin_ == spool_.end() ? Pull::End : hand_over(spool_.end());
      case Pull::Item:
      case Pull::Barrier:
        break;
    }
  }
  return pause();
}

/// The last record that goes into the block is known only when it is as full as it can get.
bool Blocks::lacks_bytes() const {
  return back_ > begin_ ? spool_.end() < begin_ + cut_.size : spool_.end() == ahead_;
}

/// One step. The end of the block, if it lies there.
std::optional<std::uint64_t> Blocks::search() {
  return back_ > begin_ ? search_back() : search_ahead();
}

std::optional<std::uint64_t> Blocks::search_back() {
  const auto size = std::min<std::uint64_t>(back_ - begin_, buffer_.size());
  const auto from = back_ - size;
  if (held(from).size() < size) read(from);
  const auto at = held(from).substr(0, size).rfind(cut_.delimiter);
  if (at != std::string_view::npos) return from + at + 1;
  back_ = from;
  return std::nullopt;
}

std::optional<std::uint64_t> Blocks::search_ahead() {
  if (held(ahead_).empty()) read(ahead_);
  const auto piece = held(ahead_);
  std::size_t done = 0;
  for (; records_left_ > 0; --records_left_) {
    const auto at = piece.find(cut_.delimiter, done);
    if (at == std::string_view::npos) {
      ahead_ += piece.size();
      return std::nullopt;
    }
    done = at + 1;
  }
  return ahead_ + done;
}

/// What the buffer has from there on.
std::string_view Blocks::held(std::uint64_t from) const {
  const std::string_view all{buffer_.data(), buffered_};
  if (from < buffered_from_ || from - buffered_from_ > buffered_) return {};
  return all.substr(from - buffered_from_);
}

/// Fills it with what comes from there on.
void Blocks::read(std::uint64_t from) {
  const auto size = std::min<std::uint64_t>(spool_.end() - from, buffer_.size());
  const auto got = sys::retry("read " + spool_.name(), [&] {
    return ::pread(spool_.file(), buffer_.data(), size, static_cast<off_t>(from));
  });
  buffered_from_ = from;
  buffered_ = static_cast<std::size_t>(got);
  if (buffered_ < size) {
    throw std::runtime_error(spool_.name() + " has become shorter while it was read");
  }
}

Pull Blocks::hand_over(std::uint64_t end) {
  last_ = {.fd = spool_.file(), .offset = begin_, .length = end - begin_};
  spool_.taken(end);
  begin_block(end);
  return Pull::Item;
}

Pull Blocks::pause() {
  if (!readable_) readable_ = sys::always_readable();
  pauses_ = true;
  return Pull::Later;
}

}  // namespace procrun::input
