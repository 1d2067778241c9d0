#include "job/line_buffer.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "job/supervise.h"

namespace procrun::job {
namespace {

/// A line may wait so long for others, or for the end of a short job, and no longer once there is
/// so much of them.
constexpr auto kTogether = std::chrono::milliseconds{2};
constexpr std::size_t kEnough = 16 * 1024;
/// More is not held in memory by who gets it.
constexpr std::size_t kMostInMemory = 128 * 1024;

}  // namespace

LineBuffer::LineBuffer(Context& context, std::uint64_t seq, bool has_turn)
    : context_{context},
      seq_{seq},
      kept_{context.spill()},
      begun_{BegunLine{context.spill()}, BegunLine{context.spill()}},
      has_turn_{has_turn} {}

/// With what lies here already it may not come to more than the context has room for, or it takes
/// the way through the file; a line that is begun takes at most half of it, since it may go on for
/// ever.
std::size_t LineBuffer::room(int stream) const {
  if (!has_turn_) return std::numeric_limits<std::size_t>::max();
  const std::size_t room = context_.room(stream);
  const std::size_t free = room - std::min<std::size_t>(room, size_of(stream));
  const std::size_t begun = begun_[static_cast<std::size_t>(stream - 1)].in_memory();
  return free - std::min(free / 2, begun);
}

void LineBuffer::add(int stream, std::string_view bytes) {
  const auto* const last = static_cast<const char*>(::memrchr(bytes.data(), '\n', bytes.size()));
  const std::size_t whole = last == nullptr ? 0 : static_cast<std::size_t>(last - bytes.data()) + 1;
  if (whole != 0) {
    begun(stream).move_to(kept_, stream);
    kept_.add(stream, bytes.substr(0, whole));
    if (!due_ && (has_turn_ || !asked_)) due_ = sys::Clock::now() + kTogether;
  }
  begun(stream).add(bytes.substr(whole));
}

void LineBuffer::end_lines() {
  for (const int stream : {1, 2}) {
    if (begun(stream).empty()) continue;
    begun(stream).move_to(kept_, stream);
    kept_.mark_unended();
  }
}

/// Or nothing more can come before it is handed on.
bool LineBuffer::is_enough() const {
  const auto is_full = [this](int stream) { return size_of(stream) != 0 && room(stream) == 0; };
  return kept_.in_memory() >= kEnough || is_full(1) || is_full(2);
}

void LineBuffer::look(sys::Clock::time_point now) {
  if (due_ && (*due_ <= now || is_enough())) hand_on();
}

void LineBuffer::hand_on() {
  due_.reset();
  if (kept_.empty()) return;
  if (has_turn_) {
    const bool fits = size_of(1) <= context_.room(1) && size_of(2) <= context_.room(2);
    const auto sizes = kept_.sizes();
    return context_.take({kept_.take(fits ? kMostInMemory : 0), sizes});
  }
  if (asked_) return;
  asked_ = true;
  context_.emit({.type = event::Type::WantsTurn, .seq = seq_});
  context_.flush();
}

void LineBuffer::give_turn() {
  has_turn_ = true;
  hand_on();
}

Captured LineBuffer::take_rest() {
  due_.reset();
  return kept_.take(kMostInMemory);
}

}  // namespace procrun::job
