#pragma once
// Where items come from: a stream that never makes its reader wait.
#include <memory>
#include <string>
#include <vector>

#include "sys/fd.h"

namespace procrun::input {

/// What a pull brought: an item; nothing yet (wait until wait_fd() is readable); the end, for good.
/// Of rows also a barrier: what follows is for the time when all that came before is done with.
enum class Pull { Item, Later, End, Barrier };

/// A stream of items. Items are bytes.
class Source {
 public:
  virtual ~Source() = default;
  /// The next item, in `item`, whose old contents are lost in any case. Never blocks.
  virtual Pull next(std::string& item) = 0;
  /// What to wait for after Pull::Later; borrowed, -1 if that never happens.
  virtual int wait_fd() const { return -1; }
};

/// The longest item that is taken from a file, in bytes: far more than an argument of a command
/// may have (128 KiB), so what is longer was most likely split at the wrong character.
inline constexpr std::size_t kMaxItem = std::size_t{16} << 20;

/// The values one by one.
std::unique_ptr<Source> from_values(std::vector<std::string> values);

/// The records of `fd`, each ended by `delimiter`, the last perhaps by the end of the file. An
/// empty record is an item and a carriage return belongs to its item, as in GNU parallel. Reads in
/// pieces of 64 KiB and polls before each, so it does not block unless someone else reads
/// from the same pipe or terminal. O_NONBLOCK is never set: the description may be shared. Throws
/// std::system_error if reading fails and std::runtime_error for an item longer than kMaxItem; both
/// name the file as `name`.
std::unique_ptr<Source> from_file(sys::Fd fd, char delimiter, const std::string& name);

}  // namespace procrun::input
