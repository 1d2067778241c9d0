#pragma once
// Streams of rows: each row holds the items of one job.
#include <poll.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "input/source.h"
#include "sys/extent.h"
#include "sys/poller.h"

namespace procrun::input {

using Row = std::vector<std::string>;

struct JsonJob;

/// A stream of rows, which may be made of another one.
class Rows {
 public:
  virtual ~Rows() = default;
  /// The next row, in `row`, whose old contents are lost in any case. Never blocks; throws what the
  /// sources throw.
  virtual Pull next(Row& row) = 0;
  /// What to wait for after Pull::Later; borrowed.
  virtual int wait_fd() const = 0;
  /// All that a line of JSON says of the job whose row came last; null: there was none.
  virtual std::shared_ptr<const JsonJob> json() const { return nullptr; }
  /// Where each of the rows ends that the last one is made of; empty: it is made of none.
  virtual std::vector<std::size_t> ends_of_last() const { return {}; }
  /// What is for the stdin of the last row's job, where the rows bring that.
  virtual std::optional<sys::Extent> stdin_of_last() const { return std::nullopt; }
  /// That is needed no more.
  virtual void release(const sys::Extent&) {}
};

/// The next of a Source or of Rows, beyond any barrier; false at the end. Blocks, so nothing else
/// may be going on.
template <class Stream, class Item>
bool await_next(Stream& stream, Item& item) {
  for (;;) {
    const Pull pull = stream.next(item);
    if (pull == Pull::Barrier) continue;
    if (pull != Pull::Later) return pull == Pull::Item;
    pollfd readable{.fd = stream.wait_fd(), .events = POLLIN, .revents = 0};
    sys::poll_until({&readable, 1}, {});
  }
}

}  // namespace procrun::input
