#include "job/output.h"

#include <unistd.h>

#include <cstring>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kInMemory = 64 * 1024;
constexpr std::size_t kPipeSize = 1024 * 1024;  // the most that a pipe may hold (pipe(7))

/// One for the process: it has one command at a time.
std::array<char, kInMemory>& read_buffer() {
  static std::array<char, kInMemory> buffer;
  return buffer;
}

void write_all(int fd, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t size = sys::retry("spill output to a temporary file", [&] {
      return ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    });
    bytes.remove_prefix(static_cast<std::size_t>(size));
    offset += static_cast<std::uint64_t>(size);
  }
}

}  // namespace

void Capture::open() {
  for (sys::Pipe& pipe : pipes_) {
    pipe = sys::make_pipe();
    sys::set_nonblocking(pipe.read.get());
  }
  captured_ = {};
  captured_.offset = spill_.end;
  last_stream_ = 0;
  in_line_ = {};
}

void Capture::close_command_ends() noexcept {
  for (sys::Pipe& pipe : pipes_) pipe.write.reset();
}

pollfd Capture::watch(int stream) const noexcept {
  return {.fd = pipes_[index(stream)].read.get(), .events = POLLIN, .revents = 0};
}

bool Capture::read(int stream) {
  sys::Fd& pipe = pipes_[index(stream)].read;
  if (!pipe) return false;
  auto& buffer = read_buffer();
  const ssize_t size = ::read(pipe.get(), buffer.data(), buffer.size());
  if (size > 0) {
    append(stream, {buffer.data(), static_cast<std::size_t>(size)});
    return true;
  }
  if (size == 0) {
    pipe.reset();
  } else if (errno != EAGAIN && errno != EINTR) {
    sys::fail("read a command's output");
  }
  return false;
}

void Capture::drain() {
  for (const int stream : {1, 2}) {
    // At most what a pipe holds, or one who goes on writing would hold us.
    for (std::size_t left = kPipeSize; left > 0 && read(stream); left -= kInMemory) {
    }
  }
}

std::string_view Capture::tagged(int stream, std::string_view bytes) {
  bool& in_line = in_line_[index(stream)];
  tagged_.clear();
  while (!bytes.empty()) {
    if (!in_line) tagged_ += tag_;
    const auto newline = bytes.find('\n');
    in_line = newline == std::string_view::npos;
    const auto line = bytes.substr(0, in_line ? bytes.size() : newline + 1);
    tagged_ += line;
    bytes.remove_prefix(line.size());
  }
  return tagged_;
}

void Capture::append(int stream, std::string_view bytes) {
  if (!tag_.empty()) bytes = tagged(stream, bytes);
  std::string& frames = captured_.frames;
  if (!frames.empty() && frames.size() + bytes.size() > kInMemory) spill();
  const std::uint64_t flag = stream == 2 ? Captured::kStderr : 0;
  std::uint64_t header = flag;
  if (stream == last_stream_) {
    std::memcpy(&header, frames.data() + last_header_, sizeof header);
  } else {
    last_stream_ = stream;
    last_header_ = frames.size();
    frames.append(sizeof header, '\0');
  }
  header += bytes.size();
  std::memcpy(frames.data() + last_header_, &header, sizeof header);
  frames.append(bytes);
}

void Capture::spill() {
  write_all(spill_.fd, captured_.frames, spill_.end);
  spill_.end += captured_.frames.size();
  captured_.length += captured_.frames.size();
  captured_.frames.clear();
  last_stream_ = 0;
}

Captured Capture::finish() {
  for (sys::Pipe& pipe : pipes_) pipe = {};
  // Of a job that has spilled, all is in the file: one place to read from.
  if (captured_.length != 0 && !captured_.frames.empty()) spill();
  return std::move(captured_);
}

}  // namespace procrun::job
