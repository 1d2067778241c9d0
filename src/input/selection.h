#pragma once
// Which of the rows become jobs, and in which order.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "input/job_names.h"
#include "input/rows.h"
#include "sys/fd.h"

namespace procrun::input {

/// One of so many shares of the rows: every `of`-th of them from the `mine`-th on, or those whose
/// hash falls to it, wherever they stand.
struct Share {
  enum class By { Place, Hash };
  By by = By::Place;
  std::uint64_t mine = 1;  // from 1
  std::uint64_t of = 1;
};

/// The share that `slice:m/n` or `hash:m/n` is. Throws std::invalid_argument, showing the forms.
Share parse_share(const std::string& text);

/// FNV-1a of 64 bits over the bytes of the row's items, a NUL between two; the same everywhere and
/// for ever, since machines divide rows by it.
std::uint64_t stable_hash(const Row& row);

/// Takes up to `count` rows away. Blocks. Throws what the rows throw.
void skip(Rows& rows, std::uint64_t count);

/// All that is left of `rows`, in an order that `seed` alone decides. Reads it whole; blocks.
/// Throws what the rows throw.
std::unique_ptr<Rows> shuffled(Rows& rows, std::uint64_t seed);

/// The first `count` rows, and of these a share. What follows them is not read. A job that is after
/// one which is not among them is an error (std::invalid_argument). Where there is
/// nothing of the share for long it says Pull::Later, with a descriptor that is always readable, so
/// that whoever reads without end still hears a signal.
class Selection final : public Rows {
 public:
  Selection(std::unique_ptr<Rows> rows, std::optional<std::uint64_t> count,
            std::optional<Share> share)
      : rows_{std::move(rows)}, count_{count}, share_{share} {}

  Pull next(Row& row) override;
  int wait_fd() const override { return pauses_ ? readable_.get() : rows_->wait_fd(); }
  std::shared_ptr<const JsonJob> json() const override { return rows_->json(); }

 private:
  Pull found(Pull pull);
  bool is_ours(const Row& row) const;
  Pull pause();

  std::unique_ptr<Rows> rows_;
  bool pauses_ = false;
  sys::Fd readable_;
  std::optional<std::uint64_t> count_;
  std::optional<Share> share_;
  std::uint64_t place_ = 0;  // from 1: of the row at hand
  JobNames names_{JobNames::Of::Choice};
};

}  // namespace procrun::input
