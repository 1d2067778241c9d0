#include "input/blocks.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <system_error>

#include "random_bytes.h"
#include "support.h"

using procrun::input::Blocks;
using procrun::input::Pull;
using procrun::input::Row;
using procrun::sys::Extent;
using procrun::test::RandomBytes;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using procrun::test::write_file;
namespace sys = procrun::sys;

namespace {

using Texts = std::vector<std::string>;

std::string text_of(const Extent& extent) {
  std::string text(extent.length, '\0');
  REQUIRE(::pread(extent.fd, text.data(), text.size(), static_cast<off_t>(extent.offset)) ==
          static_cast<ssize_t>(text.size()));
  return text;
}

/// A pipe that holds `text`, and its end.
sys::Fd pipe_with(const std::string& text) {
  auto [read, write] = sys::make_pipe();
  ::fcntl(write.get(), F_SETPIPE_SZ, 1 << 20);
  REQUIRE(::write(write.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  return std::move(read);
}

Pull next_of(Blocks& blocks) {
  Row row{"old"};
  for (;;) {
    const Pull pull = blocks.next(row);
    CHECK(row.empty());
    if (pull != Pull::Later) return pull;
    pollfd readable{.fd = blocks.wait_fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 10000) == 1);
  }
}

/// Each block, released at once if they are to be.
Texts all_of(Blocks& blocks, bool releases = false) {
  Texts all;
  while (next_of(blocks) == Pull::Item) {
    all.push_back(text_of(*blocks.stdin_of_last()));
    if (releases) blocks.release(*blocks.stdin_of_last());
  }
  CHECK(next_of(blocks) == Pull::End);
  return all;
}

Texts cut(const std::string& text, Blocks::Cut how) {
  Blocks blocks{pipe_with(text), "input", how};
  return all_of(blocks);
}

/// What GNU parallel does, but for a record that is longer than a block.
Texts as_parallel(std::string_view text, std::size_t size, char delimiter) {
  Texts blocks;
  while (text.size() >= size) {
    auto end = text.substr(0, size).rfind(delimiter);
    if (end == std::string_view::npos) end = text.find(delimiter, size);
    if (end == std::string_view::npos) break;
    blocks.emplace_back(text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  if (!text.empty()) blocks.emplace_back(text);
  return blocks;
}

long room_of(int file) {
  struct stat status {};
  REQUIRE(::fstat(file, &status) == 0);
  return status.st_blocks * 512;
}

}  // namespace

TEST_CASE("a block has as many whole records as go into its size", "[blocks]") {
  const SameOpenFds guard;
  CHECK(cut("", {.size = 4}).empty());
  CHECK(cut("a\nb\nc\n", {.size = 4}) == Texts{"a\nb\n", "c\n"});
  CHECK(cut("a\nb\nc\n", {.size = 5}) == Texts{"a\nb\n", "c\n"});
  CHECK(cut("a\nb\nc\n", {.size = 6}) == Texts{"a\nb\nc\n"});
  CHECK(cut("a\nb\nc\n", {.size = 100}) == Texts{"a\nb\nc\n"});
  CHECK(cut("\n\n\n", {.size = 2}) == Texts{"\n\n", "\n"});
  CHECK(cut(std::string{"a\0b\n\0c", 6}, {.delimiter = '\0', .size = 3}) ==
        Texts{std::string{"a\0", 2}, std::string{"b\n\0", 3}, "c"});
}

TEST_CASE("a last record without an end counts as one", "[blocks]") {
  CHECK(cut("a\nb", {.size = 4}) == Texts{"a\nb"});
  CHECK(cut("a\nb", {.size = 3}) == Texts{"a\n", "b"});  // where GNU parallel cuts it, too
  CHECK(cut("a", {.size = 1}) == Texts{"a"});
}

TEST_CASE("a record that is longer than a block is a block of its own", "[blocks]") {
  CHECK(cut("long\na\nb\nc\nlonger\n\n", {.size = 4}) ==
        Texts{"long\n", "a\nb\n", "c\n", "longer\n", "\n"});
  CHECK(cut("long", {.size = 2}) == Texts{"long"});
  const std::string huge(300'000, 'x');
  CHECK((cut("a\n" + huge + "\nb\n", {.size = 10}) == Texts{"a\n", huge + "\n", "b\n"}));
}

TEST_CASE("a block can have so many records, however long they are", "[blocks]") {
  CHECK(cut("a\n\nlong\nb\nc\n", {.records = 2}) == Texts{"a\n\n", "long\nb\n", "c\n"});
  CHECK(cut("a\nb", {.records = 1}) == Texts{"a\n", "b"});
  CHECK(cut("a\nb\n", {.records = 5}) == Texts{"a\nb\n"});
  const std::string huge(300'000, 'x');
  CHECK((cut(huge + "\n" + huge + "\nb\n", {.records = 2}) ==
         Texts{huge + "\n" + huge + "\n", "b\n"}));
}

TEST_CASE("files and pipes are cut in the same places, where GNU parallel cuts them", "[blocks]") {
  const SameOpenFds guard;
  const TempDir dir;
  RandomBytes random{1};
  for (int round = 0; round < 30; ++round) {
    std::string text;
    const auto longest = 1 + random.below(round % 3 == 0 ? 70'000 : 200);
    while (text.size() < 100'000 + random.below(200'000)) text += random.next(longest) + '\n';
    if (round % 2 == 0) text += "no end";
    const std::size_t size = 1 + random.below(round % 4 == 0 ? 300'000 : 3000);
    const char delimiter = round % 5 == 0 ? ' ' : '\n';
    CAPTURE(round, size);
    const auto expected = as_parallel(text, size, delimiter);
    const Blocks::Cut how{.delimiter = delimiter, .size = size};
    CHECK((cut(text, how) == expected));
    write_file(dir / "file", text);
    Blocks of_file{sys::open(dir / "file", O_RDONLY), "input", how};
    CHECK((all_of(of_file, true) == expected));
  }
}

TEST_CASE("a block is there as soon as its bytes are", "[blocks]") {
  const SameOpenFds guard;
  auto [read, write] = sys::make_pipe();
  const int input = read.get();
  Blocks blocks{std::move(read), "input", {.size = 8}};
  Row row;
  CHECK(blocks.next(row) == Pull::Later);
  CHECK(blocks.wait_fd() == input);
  REQUIRE(::write(write.get(), "1234\n67", 7) == 7);
  CHECK(blocks.next(row) == Pull::Later);  // more could still go in
  REQUIRE(::write(write.get(), "8", 1) == 1);
  REQUIRE(blocks.next(row) == Pull::Item);
  CHECK(text_of(*blocks.stdin_of_last()) == "1234\n");
  CHECK(blocks.next(row) == Pull::Later);
  write.reset();
  REQUIRE(blocks.next(row) == Pull::Item);
  CHECK(text_of(*blocks.stdin_of_last()) == "678");
  CHECK(blocks.next(row) == Pull::End);
}

TEST_CASE("a file is not copied, and what follows it is read from where its blocks end",
          "[blocks]") {
  const SameOpenFds guard;
  const TempDir dir;
  const std::string line(9'999, 'x');
  std::string text = "before\n";
  for (int i = 0; i < 20; ++i) text += line + '\n';
  write_file(dir / "file", text);
  sys::Fd file = sys::open(dir / "file", O_RDONLY);
  const sys::Fd same = sys::duplicate(file.get());
  REQUIRE(::lseek(same.get(), 7, SEEK_SET) == 7);
  Blocks blocks{std::move(file), "input", {.size = 25'000}};
  REQUIRE(next_of(blocks) == Pull::Item);
  const Extent first = *blocks.stdin_of_last();
  CHECK(first.offset == 7);
  CHECK(first.length == 20'000);
  struct stat one {};
  struct stat other {};
  REQUIRE(::fstat(first.fd, &one) == 0);
  REQUIRE(::fstat(same.get(), &other) == 0);
  CHECK(one.st_ino == other.st_ino);
  CHECK(::lseek(same.get(), 0, SEEK_CUR) == 20'007);
  blocks.release(first);  // it is not ours to clear
  CHECK((all_of(blocks).size() == 9));
  CHECK(::lseek(same.get(), 0, SEEK_CUR) == 200'007);
  CHECK((procrun::test::read_file(dir / "file") == text));
}

TEST_CASE("what is appended to a file while it is read counts", "[blocks]") {
  const TempDir dir;
  const std::string line(99'999, 'x');
  write_file(dir / "file", line + "\n");
  Blocks blocks{sys::open(dir / "file", O_RDONLY), "input", {.size = 100'000}};
  REQUIRE(next_of(blocks) == Pull::Item);
  const sys::Fd more = sys::open(dir / "file", O_WRONLY | O_APPEND);
  REQUIRE(::write(more.get(), "more\n", 5) == 5);
  CHECK(all_of(blocks) == Texts{"more\n"});
}

TEST_CASE("a file that becomes shorter while it is searched is an error", "[blocks]") {
  const TempDir dir;
  write_file(dir / "file", std::string(300'000, 'x'));
  Blocks blocks{sys::open(dir / "file", O_RDONLY), "the input", {.size = 200'000}};
  REQUIRE(::truncate((dir / "file").c_str(), 70'000) == 0);
  Row row;
  CHECK_THROWS_WITH(blocks.next(row), "the input has become shorter while it was read");
}

TEST_CASE("a long search is interrupted, so that signals are heard", "[blocks]") {
  const SameOpenFds guard;
  const TempDir dir;
  write_file(dir / "file", std::string(20'000'000, 'x'));
  Blocks blocks{sys::open(dir / "file", O_RDONLY), "input", {.size = 100}};
  Row row;
  int pauses = 0;
  Pull pull = blocks.next(row);
  for (; pull == Pull::Later; pull = blocks.next(row)) {
    ++pauses;
    pollfd readable{.fd = blocks.wait_fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 0) == 1);
  }
  CHECK(pull == Pull::Item);
  CHECK(blocks.stdin_of_last()->length == 20'000'000);
  CHECK(pauses > 2);
}

TEST_CASE("the room of blocks that are released is freed, in whatever order", "[blocks]") {
  const SameOpenFds guard;
  auto [read, write] = sys::make_pipe();
  Blocks blocks{std::move(read), "input", {.records = 1}};
  const std::string line = std::string(GENERATE(99, 4095, 4096, 5000), 'x') + '\n';
  constexpr std::size_t kBlocks = 600;
  std::vector<Extent> held;
  Row row;
  std::uint64_t written = 0;
  while (written < kBlocks) {
    REQUIRE(::write(write.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
    ++written;
    REQUIRE(blocks.next(row) == Pull::Item);
    held.push_back(*blocks.stdin_of_last());
    // Four are in hand, and the oldest of all to the end; the newest but one is released first.
    if (held.size() > 5) {
      const auto one = held.end() - (written % 2 == 0 ? 2 : 4);
      blocks.release(*one);
      held.erase(one);
    }
  }
  const int file = held.front().fd;
  const auto all = static_cast<long>(kBlocks * line.size());
  // The pages of those held, and of what they share with others.
  CHECK(room_of(file) <= static_cast<long>(held.size() * (line.size() + 2 * 4096)) + 64 * 1024);
  CHECK(room_of(file) < all);
  for (const Extent& one : held) CHECK(text_of(one) == line);
}

TEST_CASE("input that cannot be read is an error that names it", "[blocks]") {
  const TempDir dir;
  Blocks blocks{sys::open(dir.path().string(), O_RDONLY), "the input", {}};
  Row row;
  CHECK_THROWS_WITH(blocks.next(row), Catch::Contains("read the input"));
}
