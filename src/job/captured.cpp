#include "job/captured.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "sys/error.h"

namespace procrun::job {
namespace {

struct Frame {
  bool is_stderr;
  std::uint64_t length;
};

Frame parse_header(const char* bytes) {
  std::uint64_t header = 0;
  std::memcpy(&header, bytes, sizeof header);
  return {(header & Captured::kStderr) != 0, header & ~Captured::kStderr};
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

void pass_on_frames(std::string_view frames, sys::Outlet& out, sys::Outlet& err) {
  while (!frames.empty()) {
    const Frame frame = parse_header(frames.data());
    const auto bytes = frames.substr(sizeof(std::uint64_t), frame.length);
    (frame.is_stderr ? err : out).write(bytes);
    frames.remove_prefix(sizeof(std::uint64_t) + bytes.size());
  }
}

void pass_on_stretch(const Stretch& stretch, int fd, sys::Outlet& out, sys::Outlet& err) {
  for (std::uint64_t at = stretch.offset; at < stretch.end();) {
    char header[sizeof(std::uint64_t)];
    read_back(fd, header, sizeof header, at);
    const Frame frame = parse_header(header);
    at += sizeof header;
    (frame.is_stderr ? err : out)
        .write(sys::Extent{.fd = fd, .offset = at, .length = frame.length});
    at += frame.length;
  }
}

}  // namespace

void pass_on(const Captured& output, int fd, sys::Outlet& out, sys::Outlet& err) {
  for (const Stretch& stretch : output.spilled) pass_on_stretch(stretch, fd, out, err);
  pass_on_frames(output.frames, out, err);
}

}  // namespace procrun::job
