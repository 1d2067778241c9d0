#include "job/pipes.h"

#include <fcntl.h>

#include <array>
#include <charconv>
#include <utility>

namespace procrun::job {
namespace {

constexpr std::size_t kMost = 2;  // a command has no more

}  // namespace

sys::Pipe Pipes::take() {
  while (!free_.empty()) {
    sys::Fd read_end = std::move(free_.back());
    free_.pop_back();
    if (sys::Fd write_end = end_to_write(read_end)) {
      return {std::move(read_end), std::move(write_end)};
    }
  }
  sys::Pipe pipe = sys::make_pipe();
  sys::set_nonblocking(pipe.read.get());
  return pipe;
}

void Pipes::give_back(sys::Fd read_end) {
  if (free_.size() < kMost) free_.push_back(std::move(read_end));
}

/// Empty where there is no /proc, or another user's by now. Source: proc_pid_fd(5), pipe(7).
sys::Fd Pipes::end_to_write(const sys::Fd& read_end) {
  if (!descriptors_) {
    descriptors_ = sys::Fd{::open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
  std::array<char, 16> name{};
  std::to_chars(name.begin(), name.end() - 1, read_end.get());
  return sys::Fd{::openat(descriptors_.get(), name.data(), O_WRONLY | O_CLOEXEC)};
}

}  // namespace procrun::job
