#pragma once
// A line whose end has not come yet, however long it is.
#include <string>
#include <string_view>
#include <vector>

#include "job/kept.h"

namespace procrun::job {

/// The beginning of a line of one stream: a short one in memory, a longer one in the spill file, in
/// a few stretches, each of which is as long as all before it.
class BegunLine {
 public:
  explicit BegunLine(Spill& spill) : spill_{spill} {}

  bool empty() const noexcept { return bytes_.empty() && stretches_.empty(); }
  std::size_t in_memory() const noexcept { return bytes_.size(); }
  /// Throws std::system_error where the file cannot take it.
  void add(std::string_view bytes);
  /// All of it goes to `kept`, as `stream` (1 or 2): there comes the rest of the line.
  void move_to(Kept& kept, int stream);

 private:
  void write(std::string_view bytes);
  void reserve();

  Spill& spill_;
  std::string bytes_;  // if it is not in the file
  std::vector<Stretch> stretches_;
  std::uint64_t length_ = 0;  // of those
  std::uint64_t room_ = 0;    // reserved behind the last one
};

}  // namespace procrun::job
