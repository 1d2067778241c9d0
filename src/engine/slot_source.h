#pragma once
// A number of slots that may change while the run goes on.
#include <optional>

namespace procrun::engine {

/// Whoever knows it.
class SlotSource {
 public:
  virtual ~SlotSource() = default;
  /// Readable when the number may have changed.
  virtual int fd() const = 0;
  /// Takes in what has come on fd(). The new number, at least 1; empty: it is what it was. Never
  /// blocks.
  virtual std::optional<unsigned> changed() = 0;
};

}  // namespace procrun::engine
