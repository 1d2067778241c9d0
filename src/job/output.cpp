#include "job/output.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "sys/error.h"

namespace procrun::job {
namespace {

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kLine = 4096;
/// So much is kept before the turn is asked for, and so long it may take to come.
constexpr std::size_t kMuch = kPiece / 2;
constexpr auto kTurnMayCome = std::chrono::milliseconds{50};

/// One for the process: it has one command at a time.
std::array<char, kPiece>& read_buffer() {
  static std::array<char, kPiece> buffer;
  return buffer;
}

int either(int fd, int otherwise) { return fd == -1 ? otherwise : fd; }

}  // namespace

CommandOutput::CommandOutput(const OutputPolicy& policy, Spill& spill, Pipes& pipes,
                             std::string_view tag, const Pattern* pattern, LineBuffer* lines)
    : policy_{policy},
      mode_{policy.mode},
      spill_{spill},
      pipes_{pipes},
      pattern_{pattern},
      lines_{lines},
      streams_{{{.pipe = {},
                 .starts = {tag.empty() ? policy.prefix : tag, policy.timestamps},
                 .search = {}},
                {.pipe = {},
                 .starts = {tag.empty() ? policy.prefix : tag, policy.timestamps},
                 .search = {}}}},
      kept_{spill} {}

void CommandOutput::open() {
  if (policy_.mode == Output::Inherit) return;
  for (const int number : {1, 2}) {
    if (number == 2 && policy_.merge) break;
    stream(number).pipe = pipes_.take();
  }
  if (mode_ == Output::Stream) open_outlets();
}

void CommandOutput::open_outlets() {
  outlets_.emplace(either(policy_.out, STDOUT_FILENO), either(policy_.err, STDERR_FILENO));
  stream(1).outlet = &outlets_->out();
  stream(2).outlet = &outlets_->err();
  may_splice_ = stream(1).outlet != stream(2).outlet && pattern_ == nullptr && !policy_.most &&
                !stream(1).starts.needed();
}

void CommandOutput::take_turn() {
  if (lines_ != nullptr) return lines_->give_turn();
  if (mode_ != Output::Capture || !policy_.takes_turns) return;
  for (const int number : {1, 2}) kept_.add(number, std::exchange(stream(number).begun, {}));
  open_outlets();
  pass_on(kept_.take(2 * kPiece), spill_.file(), outlets_->out(), outlets_->err());
  mode_ = Output::Stream;
  holds_until_.reset();
}

bool CommandOutput::asks_for_turn() {
  if (!holds_until_ || asked_) return false;
  return asked_ = true;
}

/// Nothing is read for a moment, once.
bool CommandOutput::is_held() {
  if (mode_ != Output::Capture || !policy_.takes_turns || lines_ != nullptr) return false;
  if (!asked_ && !holds_until_ && kept_.in_memory() >= kMuch) {
    holds_until_ = sys::Clock::now() + kTurnMayCome;
  }
  if (holds_until_ && *holds_until_ <= sys::Clock::now()) holds_until_.reset();
  return holds_until_.has_value();
}

int CommandOutput::command_end(int number) const noexcept {
  if (policy_.mode != Output::Inherit) {
    return stream(policy_.merge ? 1 : number).pipe.write.get();
  }
  if (number == 1) return policy_.out;
  return policy_.merge ? either(policy_.out, STDOUT_FILENO) : policy_.err;
}

void CommandOutput::close_command_ends() noexcept {
  for (Stream& one : streams_) one.pipe.write.reset();
}

std::size_t CommandOutput::watch(std::span<pollfd> fds) {
  std::size_t count = 0;
  if (is_held()) return count;
  if (lines_ != nullptr) lines_->look(sys::Clock::now());
  for (const int number : {1, 2}) {
    Stream& one = stream(number);
    // Who reads slowly makes the command write slowly; we hold no more than a piece.
    const bool waits = one.outlet && !one.outlet->flush();
    if (one.outlet && one.outlet->broken()) one.pipe.read.reset();  // the command's SIGPIPE
    if (waits) fds[count++] = {.fd = one.outlet->poll_fd(), .events = POLLOUT, .revents = 0};
    if (!waits && one.pipe.read && room(number) != 0) {
      fds[count++] = {.fd = one.pipe.read.get(), .events = POLLIN, .revents = 0};
    }
  }
  return count;
}

bool CommandOutput::serve(std::span<const pollfd> fds) {
  bool something = false;
  for (const pollfd& ready : fds) {
    if (ready.revents == 0) continue;
    for (const int number : {1, 2}) {
      if (stream(number).pipe.read.get() == ready.fd) something = read(number) || something;
    }
  }
  return something;
}

bool CommandOutput::read(int number) {
  sys::Fd& pipe = stream(number).pipe.read;
  if (!pipe) return false;
  if (number == 1 && may_splice_ && splice(stream(1))) return true;
  auto& buffer = read_buffer();
  const std::size_t most = std::min(buffer.size(), room(number));
  if (most == 0) return false;
  const ssize_t size = ::read(pipe.get(), buffer.data(), most);
  if (size > 0) {
    if (static_cast<std::size_t>(size) == most) grow(stream(number));
    take(number, {buffer.data(), static_cast<std::size_t>(size)});
    return true;
  }
  if (size == 0) {
    sys::Fd ended{pipe.release()};
    // One that is grown holds memory that the next command may have no need of.
    if (!stream(number).is_grown) pipes_.give_back(std::move(ended));
  } else if (errno != EAGAIN && errno != EINTR) {
    sys::fail("read a command's output");
  }
  return false;
}

/// What may be read of it now. Lines become longer by what goes before them.
std::size_t CommandOutput::room(int number) const {
  if (lines_ == nullptr || ended_) return kPiece;
  const std::size_t room = lines_->room(number);
  return stream(number).starts.needed() ? room / 2 : room;
}

/// From the pipe straight on. False where it cannot be done now, or not at all: then it is read.
bool CommandOutput::splice(Stream& one) {
  const std::size_t moved = one.outlet->splice_from(one.pipe.read.get(), kMostInPipe);
  total_ += moved;
  stdout_bytes_ += moved;
  return moved != 0;
}

/// Writer and reader meet less often in a large one. Only for who has filled a whole read.
void CommandOutput::grow(Stream& one) {
  if (std::exchange(one.is_grown, true)) return;
  // Where the user has too much memory in pipes, it stays as it is.
  ::fcntl(one.pipe.read.get(), F_SETPIPE_SZ, static_cast<int>(kMostInPipe));
}

bool CommandOutput::wind_up() {
  bool all = true;
  ended_ = true;
  holds_until_.reset();
  for (const int number : {1, 2}) {
    Stream& one = stream(number);
    while (one.pipe.read && (!one.outlet || one.outlet->flush())) {
      if (one.left == 0 || !read(number)) one.pipe.read.reset();
      one.left -= std::min(one.left, kPiece);
    }
    all = all && !one.pipe.read && (!one.outlet || one.outlet->flush());
  }
  return all;
}

void CommandOutput::take(int number, std::string_view bytes) {
  wrote_stderr_ = wrote_stderr_ || number == 2;
  if (pattern_ != nullptr) stream(number).search.look_at(bytes, *pattern_);
  const std::uint64_t before = total_;
  total_ += bytes.size();
  if (number == 1) stdout_bytes_ += bytes.size();
  if (policy_.most) bytes = bytes.substr(0, *policy_.most - std::min(before, *policy_.most));
  if (bytes.empty()) return;
  if (stream(number).starts.needed()) bytes = stream(number).starts.decorate(bytes);
  if (lines_ != nullptr) return lines_->add(number, bytes);
  if (mode_ == Output::Capture) return keep_lines(number, bytes);
  stream(number).outlet->write(bytes);
}

/// Frames change at the ends of lines: where both streams go to one file, neither tears a line of
/// the other. What has no end for too long is let go of as it is.
void CommandOutput::keep_lines(int number, std::string_view bytes) {
  std::string& begun = stream(number).begun;
  const auto* const last = static_cast<const char*>(::memrchr(bytes.data(), '\n', bytes.size()));
  const std::size_t whole = last == nullptr ? 0 : static_cast<std::size_t>(last - bytes.data()) + 1;
  const std::string_view rest = bytes.substr(whole);
  if (whole != 0 || begun.size() + rest.size() > kLine) kept_.add(number, std::exchange(begun, {}));
  kept_.add(number, bytes.substr(0, whole));
  if (rest.size() <= kLine) {
    begun += rest;
  } else {
    kept_.add(number, rest);
  }
}

bool CommandOutput::found_pattern() {
  for (Stream& one : streams_) {
    if (pattern_ == nullptr) return false;
    one.search.look_at_rest(*pattern_);
    if (one.search.found()) return true;
  }
  return false;
}

Captured CommandOutput::finish() {
  for (const int number : {1, 2}) kept_.add(number, stream(number).begun);
  if (lines_ != nullptr) lines_->end_lines();
  Captured all = kept_.take(2 * kPiece);
  all.stdout_bytes = stdout_bytes_;
  all.reader_gone = mode_ == Output::Stream && stream(1).outlet->broken();
  return all;
}

}  // namespace procrun::job
