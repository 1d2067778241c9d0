#include "engine/printer.h"

#include <unistd.h>

#include <cstring>

#include "sys/error.h"

namespace procrun::engine {
namespace {

/// What may wait in memory for its turn; more goes to a file.
constexpr std::size_t kWaitInMemory = 1024 * 1024;

struct Frame {
  int stream;
  std::uint64_t length;
};

Frame parse_header(const char* bytes) {
  std::uint64_t header = 0;
  std::memcpy(&header, bytes, sizeof header);
  return {(header & job::Captured::kStderr) != 0 ? 2 : 1, header & ~job::Captured::kStderr};
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

}  // namespace

void Printer::print(std::uint64_t seq, job::Captured output, int spill_fd) {
  Held held{std::move(output), spill_fd};
  if (!keep_order_) return emit(held);
  if (seq != turn_) {
    put_aside(held);
    waiting_.emplace(seq, std::move(held));
    return;
  }
  emit(held);
  ++turn_;
  for (auto next = waiting_.begin(); next != waiting_.end() && next->first == turn_; ++turn_) {
    emit(next->second);
    in_memory_ -= next->second.output.frames.size();
    next = waiting_.erase(next);
  }
}

void Printer::finish() {
  for (const auto& [seq, held] : waiting_) emit(held);
  waiting_.clear();
  in_memory_ = 0;
}

void Printer::put_aside(Held& held) {
  std::string& frames = held.output.frames;
  if (in_memory_ + frames.size() <= kWaitInMemory || frames.empty()) {
    in_memory_ += frames.size();
    return;
  }
  if (!aside_) aside_ = sys::open_temporary();
  held.output.offset = aside_end_;
  held.output.length = frames.size();
  held.fd = aside_.get();
  for (std::size_t done = 0; done < frames.size();) {
    done += static_cast<std::size_t>(sys::retry("put output aside in a temporary file", [&] {
      return ::pwrite(aside_.get(), frames.data() + done, frames.size() - done,
                      static_cast<off_t>(aside_end_ + done));
    }));
  }
  aside_end_ += frames.size();
  frames = {};
}

void Printer::emit(const Held& held) {
  emit_frames(held.output.frames);
  if (held.output.length != 0) emit_spilled(held);
}

void Printer::emit_frames(std::string_view frames) {
  while (!frames.empty()) {
    const Frame frame = parse_header(frames.data());
    const auto bytes = frames.substr(sizeof(std::uint64_t), frame.length);
    outlet(frame.stream).write(bytes);
    frames.remove_prefix(sizeof(std::uint64_t) + bytes.size());
  }
}

void Printer::emit_spilled(const Held& held) {
  std::uint64_t at = held.output.offset;
  const std::uint64_t end = at + held.output.length;
  while (at < end) {
    char header[sizeof(std::uint64_t)];
    read_back(held.fd, header, sizeof header, at);
    const Frame frame = parse_header(header);
    at += sizeof header;
    outlet(frame.stream).write(sys::Extent{.fd = held.fd, .offset = at, .length = frame.length});
    at += frame.length;
  }
}

}  // namespace procrun::engine
