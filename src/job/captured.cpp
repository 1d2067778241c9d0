#include "job/captured.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kNumber = sizeof(std::uint64_t);  // a frame's header, and an offset

struct Frame {
  bool is_stderr;
  bool is_elsewhere;
  bool is_unended;
  std::uint64_t length;

  /// What of it stands behind its header.
  std::uint64_t size_here() const noexcept { return is_elsewhere ? kNumber : length; }
};

std::uint64_t parse_number(const char* bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

Frame parse_header(const char* bytes) {
  const std::uint64_t header = parse_number(bytes);
  constexpr auto kFlags = Captured::kStderr | Captured::kElsewhere | Captured::kUnended;
  return {.is_stderr = (header & Captured::kStderr) != 0,
          .is_elsewhere = (header & Captured::kElsewhere) != 0,
          .is_unended = (header & Captured::kUnended) != 0,
          .length = header & ~kFlags};
}

void read_back(int fd, char* to, std::size_t size, std::uint64_t offset) {
  while (size > 0) {
    const ssize_t got = sys::retry("read back spilled output", [&] {
      return ::pread(fd, to, size, static_cast<off_t>(offset));
    });
    if (got == 0) sys::fail("read back spilled output: it is shorter than it was", EIO);
    to += got;
    size -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

std::uint64_t read_number(int fd, std::uint64_t offset) {
  char bytes[kNumber];
  read_back(fd, bytes, sizeof bytes, offset);
  return parse_number(bytes);
}

/// The spill file, as one output is read from it.
struct Source {
  int fd;
  std::atomic<std::uint64_t>* freed;

  sys::Extent extent(std::uint64_t offset, std::uint64_t length) const {
    return {.fd = fd, .offset = offset, .length = length, .freed = freed};
  }
};

void pass_on_frames(std::string_view frames, const Source& file, sys::Outlet& out,
                    sys::Outlet& err) {
  while (!frames.empty()) {
    const Frame frame = parse_header(frames.data());
    const auto bytes = frames.substr(kNumber, frame.size_here());
    sys::Outlet& outlet = frame.is_stderr ? err : out;
    if (frame.is_elsewhere) {
      outlet.write(file.extent(parse_number(bytes.data()), frame.length));
    } else {
      outlet.write(bytes);
    }
    if (frame.is_unended) outlet.end_line();
    frames.remove_prefix(kNumber + bytes.size());
  }
}

void pass_on_stretch(const Stretch& stretch, const Source& file, sys::Outlet& out,
                     sys::Outlet& err) {
  for (std::uint64_t at = stretch.offset; at < stretch.end();) {
    const std::uint64_t header = read_number(file.fd, at);
    const Frame frame = parse_header(reinterpret_cast<const char*>(&header));
    at += kNumber;
    const std::uint64_t offset = frame.is_elsewhere ? read_number(file.fd, at) : at;
    sys::Outlet& outlet = frame.is_stderr ? err : out;
    outlet.write(file.extent(offset, frame.length));
    if (frame.is_unended) outlet.end_line();
    at += frame.size_here();
  }
}

}  // namespace

void pass_on(const Captured& output, const SpillFile& file, sys::Outlet& out, sys::Outlet& err) {
  const bool has_region = file.freed != nullptr && output.region != Captured::kNoRegion;
  const Source source{file.fd, has_region ? file.freed + output.region : nullptr};
  for (const Stretch& stretch : output.spilled) pass_on_stretch(stretch, source, out, err);
  pass_on_frames(output.frames, source, out, err);
}

}  // namespace procrun::job
