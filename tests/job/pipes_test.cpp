#include "job/pipes.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <set>
#include <string>

#include "job/output.h"

namespace job = procrun::job;
namespace sys = procrun::sys;
using job::Pipes;

namespace {

ino_t inode(const sys::Fd& fd) {
  struct stat status {};
  REQUIRE(::fstat(fd.get(), &status) == 0);
  return status.st_ino;
}

std::string read_all(const sys::Fd& end) {
  std::string text(100, '\0');
  const ssize_t size = ::read(end.get(), text.data(), text.size());
  return size < 0 ? "errno " + std::to_string(errno)
                  : text.substr(0, static_cast<std::size_t>(size));
}

/// What a command's output is: `text` is written to the end that the command would have, of which
/// `end` becomes a copy.
job::Captured captured(Pipes& pipes, const std::string& text, sys::Fd* end = nullptr) {
  const job::OutputPolicy policy{.mode = job::Output::Capture};
  job::Spill spill;
  job::CommandOutput output{policy, spill, pipes, "", nullptr, nullptr};
  output.open();
  REQUIRE(::write(output.command_end(1), text.data(), text.size()) ==
          static_cast<ssize_t>(text.size()));
  if (end != nullptr) *end = sys::duplicate(output.command_end(1));
  output.close_command_ends();
  REQUIRE(output.wind_up());
  return output.finish();
}

}  // namespace

TEST_CASE("a pipe whose writers have gone is used again, and is as good as new", "[pipes]") {
  Pipes pipes;
  sys::Pipe first = pipes.take();
  const ino_t number = inode(first.read);
  first.write.reset();
  REQUIRE(read_all(first.read).empty());
  pipes.give_back(std::move(first.read));

  const sys::Pipe second = pipes.take();
  CHECK(inode(second.read) == number);
  CHECK(inode(second.write) == number);
  CHECK(::fcntl(second.write.get(), F_GETFD) == FD_CLOEXEC);
  CHECK((::fcntl(second.write.get(), F_GETFL) & (O_NONBLOCK | O_ACCMODE)) == O_WRONLY);
  CHECK(::write(second.write.get(), "hello", 5) == 5);
  CHECK(read_all(second.read) == "hello");
  CHECK(read_all(second.read) == "errno " + std::to_string(EAGAIN));
}

TEST_CASE("two pipes are kept, and no more", "[pipes]") {
  Pipes pipes;
  std::array<int, 3> numbers{};
  for (int& number : numbers) {
    sys::Pipe pipe = sys::make_pipe();
    number = pipe.read.get();
    pipes.give_back(std::move(pipe.read));
  }
  CHECK(::fcntl(numbers[0], F_GETFD) != -1);
  CHECK(::fcntl(numbers[1], F_GETFD) != -1);
  CHECK(::fcntl(numbers[2], F_GETFD) == -1);
}

TEST_CASE("one command after the other has the same pipes, and just its own output", "[pipes]") {
  Pipes pipes;
  const auto two = [&] {
    const sys::Pipe one = pipes.take();
    const sys::Pipe other = pipes.take();
    std::set<ino_t> numbers{inode(one.read), inode(other.read)};
    for (const sys::Pipe* pipe : {&one, &other}) pipes.give_back(sys::duplicate(pipe->read.get()));
    return numbers;
  };
  const auto pair = two();
  for (const std::string text : {"first\n", "second\n", "third\n"}) {
    CHECK(captured(pipes, text).frames.substr(8) == text);
    CHECK(two() == pair);
  }
}

TEST_CASE("T19: who still holds an ended command's output cannot write into that of the next",
          "[pipes]") {
  Pipes pipes;
  sys::Fd strangers;
  CHECK(captured(pipes, "first\n", &strangers).frames.substr(8) == "first\n");
  pollfd end{.fd = strangers.get(), .events = POLLOUT, .revents = 0};
  REQUIRE(::poll(&end, 1, 0) == 1);
  CHECK((end.revents & POLLERR) != 0);  // nobody reads it any more: EPIPE
  CHECK(captured(pipes, "second\n").frames.substr(8) == "second\n");
}
