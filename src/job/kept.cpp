#include "job/kept.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kInMemory = 64 * 1024;
constexpr std::size_t kNumber = sizeof(std::uint64_t);

}  // namespace

void Spill::begin_job() noexcept {
  region_ = Captured::kNoRegion;
  limit_ = kNoLimit;
  end_ = beyond_ = file_.freed == nullptr ? beyond_ : std::max(beyond_, kRegions * kRegionSize);
  if (file_.freed == nullptr) return;
  for (std::uint8_t region = 0; region < kRegions; ++region) {
    if (file_.freed[region].load(std::memory_order_acquire) != lent_[region]) continue;
    region_ = region;
    end_ = region * kRegionSize;
    limit_ = end_ + kRegionSize;
    return;
  }
}

std::uint64_t Spill::take(std::uint64_t size) noexcept {
  if (limit_ != kNoLimit && end_ + size > limit_) {
    end_ = beyond_;
    limit_ = kNoLimit;
  }
  const std::uint64_t at = end_;
  shorten_to(at + size);
  return at;
}

void Spill::shorten_to(std::uint64_t end) noexcept {
  end_ = end;
  if (limit_ == kNoLimit) beyond_ = end;
}

std::uint8_t Spill::lend(std::uint64_t size) noexcept {
  if (region_ != Captured::kNoRegion) lent_[region_] += size;
  return region_;
}

void write_spill(const Spill& spill, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t size = sys::retry("spill output to a temporary file", [&] {
      return ::pwrite(spill.file().fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    bytes.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
}

void Kept::add(int stream, std::string_view bytes) {
  if (bytes.empty()) return;
  std::string& frames = captured_.frames;
  sizes_[static_cast<std::size_t>(stream - 1)] += bytes.size();
  if (open_frame_ && stream == last_stream_) return add_to_spilled(bytes);
  const bool is_first = frames.empty() && captured_.spilled.empty();
  if (stream != last_stream_) begin_frame(stream);
  last_stream_ = stream;
  set_header(last_header_, header(last_header_) + bytes.size());
  if (is_first || frames.size() + bytes.size() <= kInMemory) {
    frames.append(bytes);
  } else {
    spill(bytes);
  }
}

/// More of the frame that stands last in the file.
void Kept::add_to_spilled(std::string_view bytes) {
  Stretch& last = captured_.spilled.back();
  const std::uint64_t at = spill_.take(bytes.size());
  if (at != last.end()) {  // something stands in between: another frame, then
    spill_.shorten_to(at);
    const int stream = last_stream_;
    end_frame();
    begin_frame(stream);
    last_stream_ = stream;
    set_header(last_header_, header(last_header_) + bytes.size());
    return spill(bytes);
  }
  write_spill(spill_, bytes, at);
  last.length += bytes.size();
  open_header_ += bytes.size();
}

/// Nothing is added to the last frame any more.
void Kept::end_frame() {
  last_stream_ = 0;
  if (!open_frame_) return;
  const std::string_view bytes{reinterpret_cast<const char*>(&open_header_), kNumber};
  write_spill(spill_, bytes, *open_frame_);
  open_frame_.reset();
}

void Kept::add_stretch(int stream, const Stretch& stretch) {
  end_frame();
  if (captured_.frames.size() + 2 * kNumber > kInMemory) spill({});
  begin_frame(stream);
  set_header(last_header_, header(last_header_) | Captured::kElsewhere | stretch.length);
  captured_.frames.append(kNumber, '\0');
  set_header(last_header_ + kNumber, stretch.offset);
  last_stream_ = 0;
  refers_ = true;
  sizes_[static_cast<std::size_t>(stream - 1)] += stretch.length;
}

void Kept::mark_unended() {
  if (open_frame_) {
    open_header_ |= Captured::kUnended;
  } else if (!captured_.frames.empty()) {
    set_header(last_header_, header(last_header_) | Captured::kUnended);
  }
  end_frame();
}

void Kept::begin_frame(int stream) {
  end_frame();
  last_header_ = captured_.frames.size();
  captured_.frames.append(kNumber, '\0');
  if (stream == 2) set_header(last_header_, Captured::kStderr);
}

std::uint64_t Kept::header(std::size_t at) const {
  std::uint64_t header = 0;
  std::memcpy(&header, captured_.frames.data() + at, sizeof header);
  return header;
}

void Kept::set_header(std::size_t at, std::uint64_t header) {
  std::memcpy(captured_.frames.data() + at, &header, sizeof header);
}

/// What is in memory, and `rest` of its last frame, which stays open for more.
void Kept::spill(std::string_view rest) {
  auto& spilled = captured_.spilled;
  const std::string& frames = captured_.frames;
  const std::uint64_t size = frames.size() + rest.size();
  const std::uint64_t at = spill_.take(size);
  write_spill(spill_, frames, at);
  write_spill(spill_, rest, at + frames.size());
  if (spilled.empty() || spilled.back().end() != at) spilled.push_back({at, 0});
  spilled.back().length += size;
  if (last_stream_ != 0) {
    open_frame_ = at + last_header_;
    open_header_ = header(last_header_);
  }
  captured_.frames.clear();
  refers_ = false;
}

/// Where any of it is in the file, all is: one place to read from, which is good for as long as the
/// file is.
Captured Kept::take(std::size_t most) {
  const bool is_in_file = !captured_.spilled.empty() || refers_;
  if (!captured_.frames.empty() && (is_in_file || captured_.frames.size() > most)) spill({});
  end_frame();
  if (!captured_.spilled.empty()) captured_.region = spill_.lend(sizes_[0] + sizes_[1]);
  sizes_ = {};
  return std::exchange(captured_, {});
}

}  // namespace procrun::job
