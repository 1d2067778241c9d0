#include "job/kept.h"

#include <unistd.h>

#include <cstring>
#include <utility>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kInMemory = 64 * 1024;
constexpr std::size_t kNumber = sizeof(std::uint64_t);

}  // namespace

void write_spill(const Spill& spill, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t size = sys::retry("spill output to a temporary file", [&] {
      return ::pwrite(spill.fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    bytes.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
}

void Kept::add(int stream, std::string_view bytes) {
  if (bytes.empty()) return;
  std::string& frames = captured_.frames;
  if (!frames.empty() && frames.size() + bytes.size() > kInMemory) spill();
  if (stream != last_stream_) begin_frame(stream);
  last_stream_ = stream;
  set_header(last_header_, header(last_header_) + bytes.size());
  frames.append(bytes);
  sizes_[static_cast<std::size_t>(stream - 1)] += bytes.size();
}

void Kept::add_stretch(int stream, const Stretch& stretch) {
  if (captured_.frames.size() + 2 * kNumber > kInMemory) spill();
  begin_frame(stream);
  set_header(last_header_, header(last_header_) | Captured::kElsewhere | stretch.length);
  captured_.frames.append(kNumber, '\0');
  set_header(last_header_ + kNumber, stretch.offset);
  last_stream_ = 0;
  refers_ = true;
  sizes_[static_cast<std::size_t>(stream - 1)] += stretch.length;
}

void Kept::mark_unended() {
  if (captured_.frames.empty()) return;
  set_header(last_header_, header(last_header_) | Captured::kUnended);
  last_stream_ = 0;
}

void Kept::begin_frame(int stream) {
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

/// Behind what is there already, unless a begun line has come to stand in between.
void Kept::spill() {
  auto& spilled = captured_.spilled;
  const std::string& frames = captured_.frames;
  write_spill(spill_, frames, spill_.end);
  if (spilled.empty() || spilled.back().end() != spill_.end) spilled.push_back({spill_.end, 0});
  spilled.back().length += frames.size();
  spill_.end += frames.size();
  captured_.frames.clear();
  last_stream_ = 0;
  refers_ = false;
}

/// Where any of it is in the file, all is: one place to read from, which is good for as long as the
/// file is.
Captured Kept::take(std::size_t most) {
  const bool is_in_file = !captured_.spilled.empty() || refers_;
  if (!captured_.frames.empty() && (is_in_file || captured_.frames.size() > most)) spill();
  last_stream_ = 0;
  sizes_ = {};
  return std::exchange(captured_, {});
}

}  // namespace procrun::job
