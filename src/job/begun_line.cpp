#include "job/begun_line.h"

#include <algorithm>

namespace procrun::job {
namespace {

constexpr std::size_t kInMemory = 32 * 1024;
constexpr std::uint64_t kFirstStretch = 256 * 1024;

}  // namespace

void BegunLine::add(std::string_view bytes) {
  if (stretches_.empty() && bytes_.size() + bytes.size() <= kInMemory) {
    bytes_ += bytes;
    return;
  }
  write(bytes_);
  bytes_.clear();
  write(bytes);
}

void BegunLine::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (room_ == 0) reserve();
    const auto piece = bytes.substr(0, room_);
    write_spill(spill_, piece, stretches_.back().end());
    stretches_.back().length += piece.size();
    length_ += piece.size();
    room_ -= piece.size();
    bytes.remove_prefix(piece.size());
  }
}

/// Others may write behind it: another line, say, of the other stream. The more there is, the more
/// is taken, so that stretches stay few; what of it is never written takes no place.
void BegunLine::reserve() {
  room_ = std::max(kFirstStretch, length_);
  const std::uint64_t at = spill_.take(room_);
  if (stretches_.empty() || stretches_.back().end() != at) stretches_.push_back({at, 0});
}

void BegunLine::move_to(Kept& kept, int stream) {
  kept.add(stream, bytes_);
  bytes_.clear();
  if (stretches_.empty()) return;
  if (stretches_.back().end() + room_ == spill_.end()) spill_.shorten_to(stretches_.back().end());
  for (const Stretch& stretch : stretches_) kept.add_stretch(stream, stretch);
  stretches_.clear();
  length_ = room_ = 0;
}

}  // namespace procrun::job
