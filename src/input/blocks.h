#pragma once
// A stream of bytes cut into blocks of whole records, one for each job's stdin.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "input/rows.h"
#include "input/spool.h"

namespace procrun::input {

/// Rows without items, each with a block. Cuts where GNU parallel does: a block has as many whole
/// records as go into its size, and the last what is left. A record that is longer is a block of
/// its own (parallel enlarges all blocks from there on).
class Blocks final : public Rows {
 public:
  struct Cut {
    char delimiter = '\n';  // ends each record, and belongs to it
    std::uint64_t size = std::uint64_t{1} << 20;
    std::optional<std::uint64_t> records = std::nullopt;  // so many of them instead; at least 1
  };

  /// `name` says in errors where the bytes come from.
  Blocks(sys::Fd source, std::string name, Cut cut);

  /// As all rows, it never blocks, but for the disk. Where there is much to read or to search it
  /// says Pull::Later now and then, with a descriptor that is always readable, so that its caller
  /// hears signals.
  Pull next(Row& row) override;
  int wait_fd() const override { return pauses_ ? readable_.get() : spool_.wait_fd(); }
  std::optional<sys::Extent> stdin_of_last() const override { return last_; }
  void release(const sys::Extent& block) override { spool_.release(block); }

 private:
  bool lacks_bytes() const;
  std::optional<std::uint64_t> search();
  std::optional<std::uint64_t> search_back();
  std::optional<std::uint64_t> search_ahead();
  std::string_view held(std::uint64_t from) const;
  void read(std::uint64_t from);
  void begin_block(std::uint64_t place);
  Pull hand_over(std::uint64_t end);
  Pull pause();

  Cut cut_;
  Spool spool_;
  std::uint64_t begin_ = 0;         // of the next block
  std::uint64_t back_ = 0;          // its end is searched backwards from here,
  std::uint64_t ahead_ = 0;         // and then, or counting records, forwards from here
  std::uint64_t records_left_ = 0;  // to be counted
  std::optional<sys::Extent> last_;
  bool pauses_ = false;
  sys::Fd readable_;
  std::uint64_t buffered_from_ = 0;
  std::size_t buffered_ = 0;
  std::array<char, std::size_t{64} << 10> buffer_;
};

}  // namespace procrun::input
