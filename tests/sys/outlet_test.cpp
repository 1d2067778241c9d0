#include "sys/outlet.h"

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <system_error>

#include "process/forked.h"
#include "support.h"
#include "sys/signals.h"

namespace sys = procrun::sys;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using sys::Extent;
using sys::Outlet;

namespace {

/// Text that shows where a piece of it is missing or in the wrong place.
std::string numbered(std::size_t size, char mark = '.') {
  std::string text;
  for (int i = 0; text.size() < size; ++i) text += std::to_string(i) + mark;
  text.resize(size);
  return text;
}

/// What the pipe holds now.
std::string take(int fd) {
  std::string text(1 << 20, '\0');
  const ssize_t size = ::read(fd, text.data(), text.size());
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

/// Reads until the outlet has nothing left; the reading end must not block.
std::string drain(Outlet& outlet, int fd) {
  std::string all;
  do all += take(fd);
  while (!outlet.flush());
  return all + take(fd);
}

sys::Fd file_with(const std::string& text) {
  sys::Fd file = sys::open_temporary();
  procrun::test::say(file.get(), text);
  return file;
}

/// Empty if they are the same; else where they differ. Large texts are no good in a report.
std::string difference(const std::string& text, const std::string& expected) {
  if (text == expected) return {};
  const auto [at, end] = std::mismatch(text.begin(), text.end(), expected.begin(), expected.end());
  return "differs at " + std::to_string(at - text.begin()) + " of " + std::to_string(text.size()) +
         ", expected " + std::to_string(expected.size());
}

off_t blocks_of(const sys::Fd& file) {
  struct stat status {};
  ::fstat(file.get(), &status);
  return status.st_blocks;
}

}  // namespace

TEST_CASE("a full pipe that nobody reads does not block the writer", "[outlet]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  Outlet outlet{pipe.write.get(), "a pipe"};
  const std::string text = numbered(1 << 20);
  outlet.write(text);
  CHECK_FALSE(outlet.flush());
  CHECK_FALSE(outlet.empty());
  CHECK(outlet.backlog() > 0);
  sys::set_nonblocking(pipe.read.get());
  CHECK(difference(drain(outlet, pipe.read.get()), text) == "");
  CHECK(outlet.backlog() == 0);
}

TEST_CASE("T25: the description that was given keeps blocking", "[outlet]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  Outlet outlet{pipe.write.get(), "a pipe"};
  outlet.write("x");
  outlet.flush();
  CHECK((::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a pipe that cannot be opened anew does not block the writer either", "[outlet]") {
  const NoChildLeft guard;
  if (::geteuid() != 0) return;
  procrun::test::ForkedChild child{[](int) {
    const sys::Pipe pipe = sys::make_pipe();
    sys::set_nonblocking(pipe.read.get());
    const std::string text = numbered(300'000);
    const sys::Fd file = file_with(text);
    if (::setresuid(54321, 54321, 54321) != 0) return 1;  // to whom /proc/self/fd is closed now
    Outlet outlet{pipe.write.get(), "a pipe"};
    outlet.write(text);
    outlet.write(Extent{file.get(), 0, text.size()});
    if (outlet.flush()) return 2;
    if (outlet.poll_fd() != pipe.write.get()) return 3;
    return drain(outlet, pipe.read.get()) == text + text ? 0 : 4;
  }};
  CHECK(child.finish(std::chrono::seconds{10}).exited(0));
}

TEST_CASE("bytes and stretches of files come out in the order in which they were queued",
          "[outlet]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  sys::set_nonblocking(pipe.read.get());
  const std::string spilled = numbered(500'000, '/');
  const sys::Fd file = file_with("before" + spilled + "after");
  Outlet outlet{pipe.write.get(), "a pipe"};
  outlet.write("first ");
  outlet.write(Extent{file.get(), 6, spilled.size()});
  outlet.write(" middle ");
  outlet.write(Extent{file.get(), 0, 6});
  outlet.write(" last");
  CHECK(outlet.in_files() == spilled.size() + 6);
  CHECK(difference(drain(outlet, pipe.read.get()), "first " + spilled + " middle before last") ==
        "");
  CHECK(outlet.in_files() == 0);
  CHECK(outlet.empty());
}

TEST_CASE("small writes are held back until there are enough of them or a flush", "[outlet]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  sys::set_nonblocking(pipe.read.get());
  Outlet outlet{pipe.write.get(), "a pipe"};
  outlet.write("small");
  CHECK(take(pipe.read.get()).empty());
  CHECK(outlet.flush());
  CHECK(take(pipe.read.get()) == "small");
  outlet.write(numbered(60'000));
  outlet.write(numbered(60'000));
  CHECK_FALSE(take(pipe.read.get()).empty());
}

TEST_CASE("T22: a reader that has gone is no error, and what comes then is dropped", "[outlet]") {
  const SameOpenFds guard;
  const sys::SignalsBlocked blocked;  // SIGPIPE
  sys::Pipe pipe = sys::make_pipe();
  const sys::Fd file = file_with("spilled");
  Outlet outlet{pipe.write.get(), "a pipe"};
  pipe.read.reset();
  outlet.write("text");
  outlet.write(Extent{file.get(), 0, 7});
  CHECK_FALSE(outlet.broken());
  CHECK(outlet.flush());
  CHECK(outlet.broken());
  CHECK(outlet.empty());
  outlet.write("more");
  outlet.write(Extent{file.get(), 0, 7});
  CHECK(outlet.empty());
  CHECK(outlet.flush());
  sigset_t pipe_signal;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  const timespec now{};
  while (::sigtimedwait(&pipe_signal, nullptr, &now) != -1) {
  }
}

TEST_CASE("what is spliced comes behind what was written, and never blocks", "[outlet]") {
  const SameOpenFds guard;
  const bool to_file = GENERATE(true, false);
  CAPTURE(to_file);
  const sys::Pipe source = sys::make_pipe();
  const sys::Pipe sink = sys::make_pipe();
  const sys::Fd file = sys::open_temporary();
  sys::set_nonblocking(source.read.get());
  sys::set_nonblocking(sink.read.get());
  Outlet outlet{to_file ? file.get() : sink.write.get(), "it"};
  procrun::test::say(source.write.get(), "second");
  outlet.write("first ");
  CHECK(outlet.splice_from(source.read.get(), 100) == 0);  // something waits
  CHECK(outlet.flush());
  CHECK(outlet.splice_from(source.read.get(), 3) == 3);
  CHECK(outlet.splice_from(source.read.get(), 100) == 3);
  CHECK(outlet.splice_from(source.read.get(), 100) == 0);  // there is no more
  if (to_file) {
    ::lseek(file.get(), 0, SEEK_SET);
    CHECK(take(file.get()) == "first second");
    return;
  }
  CHECK(take(sink.read.get()) == "first second");
  std::size_t moved = 1;
  for (int i = 0; i < 1000 && moved != 0; ++i) {
    procrun::test::say(source.write.get(), std::string(1000, 'x'));
    moved = outlet.splice_from(source.read.get(), 1000);
  }
  CHECK(moved == 0);  // it is full: to read and to write tells
  CHECK_FALSE(outlet.broken());
}

TEST_CASE("where splicing cannot be done nothing is lost", "[outlet]") {
  const SameOpenFds guard;
  const TempDir dir;
  const sys::Fd file = sys::open(dir / "file", O_WRONLY | O_CREAT | O_APPEND);
  const sys::Pipe source = sys::make_pipe();
  procrun::test::say(source.write.get(), "text");
  Outlet outlet{file.get(), "it"};
  CHECK(outlet.splice_from(source.read.get(), 100) == 0);
  CHECK(take(source.read.get()) == "text");
}

TEST_CASE("a terminal that hung up is a reader that has gone", "[outlet]") {
  const SameOpenFds guard;
  const bool before_the_first = GENERATE(true, false);
  CAPTURE(before_the_first);
  int master = -1;
  int slave = -1;
  REQUIRE(::openpty(&master, &slave, nullptr, nullptr, nullptr) == 0);
  const sys::Fd terminal{slave};
  sys::Fd other_end{master};
  Outlet outlet{slave, "a terminal"};
  if (!before_the_first) outlet.write("seen\n");
  CHECK(outlet.flush());
  other_end.reset();
  outlet.write("text");
  CHECK(outlet.flush());
  CHECK(outlet.hung_up());
  CHECK(outlet.broken());
}

TEST_CASE("a reader that goes while much waits takes the queue with it", "[outlet]") {
  const NoChildLeft guard;
  const auto end = in_child([](int) {
    ::signal(SIGPIPE, SIG_IGN);
    sys::Pipe pipe = sys::make_pipe();
    Outlet outlet{pipe.write.get(), "a pipe"};
    outlet.write(numbered(1 << 20));
    if (outlet.flush()) return 1;
    pipe.read.reset();
    if (!outlet.flush()) return 2;
    return outlet.broken() && outlet.empty() && outlet.backlog() == 0 ? 0 : 3;
  });
  CHECK(end.exited(0));
}

TEST_CASE("a file that is appended to takes stretches of files as well", "[outlet]") {
  const TempDir dir;
  const SameOpenFds guard;
  const std::string spilled = numbered(200'000);
  const sys::Fd source = file_with(spilled);
  procrun::test::write_file(dir / "log", "old\n");
  const sys::Fd log = sys::open(dir / "log", O_WRONLY | O_APPEND);
  Outlet outlet{log.get(), "a log"};
  outlet.write("new ");
  outlet.write(Extent{source.get(), 0, spilled.size()});
  outlet.write(" end");
  CHECK(outlet.flush());
  CHECK(difference(procrun::test::read_file(dir / "log"), "old\nnew " + spilled + " end") == "");
}

TEST_CASE("T31: a full disk is an error that names the output, and the rest is dropped",
          "[outlet]") {
  const SameOpenFds guard;
  const sys::Fd full = sys::open("/dev/full", O_WRONLY);
  Outlet outlet{full.get(), "standard output"};
  outlet.write("text");
  CHECK_THROWS_WITH(outlet.flush(), Catch::Contains("standard output") &&
                                        Catch::Contains("No space left on device"));
  CHECK(outlet.broken());
  CHECK(outlet.empty());
  CHECK(outlet.flush());
}

TEST_CASE("T31: a full disk is an error for a stretch of a file as well", "[outlet]") {
  const SameOpenFds guard;
  const sys::Fd file = file_with("spilled");
  const sys::Fd full = sys::open("/dev/full", O_WRONLY);
  Outlet outlet{full.get(), "standard output"};
  outlet.write(Extent{file.get(), 0, 7});
  CHECK_THROWS_AS(outlet.flush(), std::system_error);
  CHECK(outlet.empty());
}

TEST_CASE("a closed descriptor is an error at the first write", "[outlet]") {
  const SameOpenFds guard;
  Outlet outlet{9999, "standard output"};
  outlet.write("text");
  CHECK_THROWS_WITH(outlet.flush(), Catch::Contains("Bad file descriptor"));
}

TEST_CASE("a socket that nobody reads does not block the writer", "[outlet]") {
  const SameOpenFds guard;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const sys::Fd ours{ends[0]};
  const sys::Fd theirs{ends[1]};
  sys::set_nonblocking(theirs.get());
  Outlet outlet{ours.get(), "a socket"};
  const std::string text = numbered(2 << 20);
  outlet.write(text);
  CHECK_FALSE(outlet.flush());
  CHECK((::fcntl(ours.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK(difference(drain(outlet, theirs.get()), text) == "");
}

TEST_CASE("a stretch of a file does not block on a socket that nobody reads", "[outlet]") {
  const NoChildLeft guard;
  // In a child: it would hang.
  procrun::test::ForkedChild child{[](int) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return 1;
    const std::string text = numbered(2 << 20);
    const sys::Fd file = file_with(text);
    Outlet outlet{ends[0], "a socket"};
    outlet.write(Extent{file.get(), 0, text.size()});
    if (outlet.flush()) return 2;
    ::fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return drain(outlet, ends[1]) == text ? 0 : 3;
  }};
  CHECK(child.finish(std::chrono::seconds{10}).exited(0));
}

TEST_CASE("a socket whose reader has gone is no error and no signal", "[outlet]") {
  const SameOpenFds guard;
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  const sys::Fd ours{ends[0]};
  ::close(ends[1]);
  Outlet outlet{ours.get(), "a socket"};
  outlet.write("text");
  CHECK(outlet.flush());
  CHECK(outlet.broken());
}

TEST_CASE("T30: what was printed is punched out of its file", "[outlet]") {
  const TempDir dir;
  const SameOpenFds guard;
  const std::string text = numbered(1 << 20);
  const sys::Fd file = file_with(text);
  const off_t before = blocks_of(file);
  const sys::Fd out = sys::open(dir / "out", O_WRONLY | O_CREAT);
  Outlet outlet{out.get(), "a file"};
  outlet.write(Extent{file.get(), 0, text.size()});
  REQUIRE(outlet.flush());
  CHECK(blocks_of(file) < before);
  CHECK(difference(procrun::test::read_file(dir / "out"), text) == "");
}

TEST_CASE(
    "where a file is written again, its owner hears what is free, and the rest is punched out",
    "[outlet]") {
  const TempDir dir;
  const SameOpenFds guard;
  const std::string text(procrun::sys::kWrittenAgain + (1 << 20), 'x');
  const sys::Fd file = file_with(text);
  const off_t before = blocks_of(file);
  std::atomic<std::uint64_t> freed{0};
  const sys::Fd out = sys::open(dir / "out", O_WRONLY | O_CREAT);
  Outlet outlet{out.get(), "a file"};
  const std::uint64_t half = text.size() / 2;
  outlet.write(Extent{file.get(), 0, half, &freed});
  CHECK(freed == 0);
  REQUIRE(outlet.flush());
  CHECK(freed == half);
  CHECK(blocks_of(file) == before);
  outlet.write(Extent{file.get(), half, text.size() - half, &freed});
  REQUIRE(outlet.flush());
  CHECK(freed == text.size());
  CHECK(blocks_of(file) < before);
  CHECK((procrun::test::read_file(dir / "out") == text));
}

TEST_CASE("a stretch of a file that is not there is an error, not a shorter output", "[outlet]") {
  const TempDir dir;
  const SameOpenFds guard;
  const sys::Fd file = file_with("short");
  const sys::Fd out = sys::open(dir / "out", O_WRONLY | O_CREAT);
  Outlet outlet{out.get(), "a file"};
  outlet.write(Extent{file.get(), 0, 50});
  CHECK_THROWS_AS(outlet.flush(), std::system_error);
}

TEST_CASE("a footer is erased before what is written next, and can be set anew", "[outlet]") {
  const auto [read, write] = sys::make_pipe();
  Outlet out{write.get(), "standard error"};
  out.set_footer("1 done");
  CHECK(out.shows_footer());
  out.set_footer("2 done");
  out.write("a line\n");
  CHECK_FALSE(out.shows_footer());
  out.set_footer("3 done");
  out.erase_footer();
  out.erase_footer();
  out.flush();
  CHECK(take(read.get()) == "1 done\r\033[K2 done\r\033[Ka line\n3 done\r\033[K");
}

TEST_CASE("a footer does not come behind a line that has no end yet", "[outlet]") {
  const auto [read, write] = sys::make_pipe();
  const sys::Fd file = sys::open_temporary();
  REQUIRE(::write(file.get(), "two\nthree", 9) == 9);
  Outlet out{write.get(), "standard error"};
  out.write("one");
  out.set_footer("1 done");
  CHECK_FALSE(out.shows_footer());
  out.write("\n");
  out.set_footer("2 done");
  CHECK(out.shows_footer());
  out.write(Extent{.fd = file.get(), .offset = 0, .length = 9});
  out.set_footer("3 done");
  CHECK_FALSE(out.shows_footer());
  out.flush();
  CHECK(take(read.get()) == "one\n2 done\r\033[Ktwo\nthree");
}

TEST_CASE("a line that was left without an end gets it before what is written next", "[outlet]") {
  const auto [read, write] = sys::make_pipe();
  const sys::Fd file = sys::open_temporary();
  REQUIRE(::write(file.get(), "two\nthree", 9) == 9);
  Outlet out{write.get(), "standard output"};
  out.write("one");
  out.end_line();
  out.set_footer("1 done");
  CHECK_FALSE(out.shows_footer());
  out.write(Extent{.fd = file.get(), .offset = 0, .length = 9});
  out.end_line();
  out.write("four\n");
  out.set_footer("4 done");
  out.write("five");
  out.end_line();
  out.flush();
  CHECK(take(read.get()) == "one\ntwo\nthree\nfour\n4 done\r\033[Kfive");
}
