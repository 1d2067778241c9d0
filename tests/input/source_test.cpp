#include "input/source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>
#include <system_error>

#include "random_bytes.h"
#include "support.h"

using procrun::input::from_file;
using procrun::input::from_values;
using procrun::input::kMaxItem;
using procrun::input::Pull;
using procrun::input::Source;
using procrun::test::RandomBytes;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using procrun::test::write_file;
using Items = std::vector<std::string>;
namespace sys = procrun::sys;

namespace {

/// All items up to the end; a source that would have to be waited for ends too.
Items all_of(Source& source) {
  Items items;
  std::string item;
  while (source.next(item) == Pull::Item) items.push_back(item);
  return items;
}

Items in_file(const std::string& text, char delimiter = '\n') {
  const TempDir dir;
  write_file(dir / "f", text);
  return all_of(*from_file(sys::open(dir / "f", O_RDONLY), delimiter, "f"));
}

void write_all(const sys::Fd& fd, std::string_view text) {
  REQUIRE(::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

}  // namespace

TEST_CASE("values come one by one and then no more", "[source]") {
  const auto source = from_values({"a", "", "c d"});
  CHECK(all_of(*source) == Items{"a", "", "c d"});
  std::string item;
  CHECK(source->next(item) == Pull::End);
  CHECK(source->wait_fd() == -1);
}

TEST_CASE("a file gives an item a line", "[source]") {
  const SameOpenFds guard;
  CHECK(in_file("a\nb\n") == Items{"a", "b"});
  CHECK(in_file("") == Items{});
  CHECK(in_file("a\n\nb") == Items{"a", "", "b"});
  CHECK(in_file("\n") == Items{""});
  CHECK(in_file("a\r\n\r\n") == Items{"a\r", "\r"});
  CHECK(in_file(" a  b \n") == Items{" a  b "});
  CHECK(in_file("no newline at the end") == Items{"no newline at the end"});
}

TEST_CASE("any character can end an item", "[source]") {
  CHECK(in_file(std::string{"a\nb\0\0c", 6}, '\0') == Items{"a\nb", "", "c"});
  CHECK(in_file("a:b\n:", ':') == Items{"a", "b\n"});
  CHECK(in_file("a\xff"
                "b",
                '\xff') == Items{"a", "b"});
}

TEST_CASE("any bytes survive however they fall into the buffer", "[source]") {
  RandomBytes random{7};
  Items items;
  std::string text;
  while (text.size() < 1'000'000) {
    items.push_back(random.next(random.below(50) == 0 ? 200'000 : 300));
    text.append(items.back()) += '\0';
  }
  CHECK((in_file(text, '\0') == items));
}

TEST_CASE("a pipe without anything in it says later and the file says when", "[source]") {
  auto pipe = sys::make_pipe();
  const int fd = pipe.read.get();
  const auto source = from_file(std::move(pipe.read), '\n', "pipe");
  std::string item;
  CHECK(source->next(item) == Pull::Later);
  CHECK(source->wait_fd() == fd);
  write_all(pipe.write, "a\nb");
  CHECK(source->next(item) == Pull::Item);
  CHECK(item == "a");
  CHECK(source->next(item) == Pull::Later);
  item = "what a caller keeps there";
  CHECK(source->next(item) == Pull::Later);
  write_all(pipe.write, "c");
  CHECK(source->next(item) == Pull::Later);
  pipe.write.reset();
  CHECK(source->next(item) == Pull::Item);
  CHECK(item == "bc");
  CHECK(source->next(item) == Pull::End);
  CHECK(source->next(item) == Pull::End);
}

TEST_CASE("the flags of a description that was given are not touched", "[source]") {
  auto pipe = sys::make_pipe();
  const auto copy = sys::duplicate(pipe.read.get());
  const auto source = from_file(std::move(pipe.read), '\n', "pipe");
  std::string item;
  CHECK(source->next(item) == Pull::Later);
  CHECK((::fcntl(copy.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("a description that someone else made non-blocking is waited for too", "[source]") {
  auto pipe = sys::make_pipe();
  sys::set_nonblocking(pipe.read.get());
  const auto source = from_file(std::move(pipe.read), '\n', "pipe");
  std::string item;
  CHECK(source->next(item) == Pull::Later);
}

TEST_CASE("the source closes its file", "[source]") {
  const SameOpenFds guard;
  auto pipe = sys::make_pipe();
  from_file(std::move(pipe.read), '\n', "pipe");
}

TEST_CASE("a read error names the file", "[source]") {
  const TempDir dir;
  const auto source = from_file(sys::open(dir.path(), O_RDONLY), '\n', "my\nfile");
  std::string item;
  CHECK_THROWS_AS(source->next(item), std::system_error);
  CHECK_THROWS_WITH(source->next(item), Catch::Contains("read my\\nfile: "));
}

TEST_CASE("an item has a bound and the error says so", "[source]") {
  const TempDir dir;
  write_file(dir / "f", std::string(kMaxItem, 'x') + "\n" + std::string(kMaxItem + 1, 'y'));
  const auto source = from_file(sys::open(dir / "f", O_RDONLY), '\n', "f");
  std::string item;
  REQUIRE(source->next(item) == Pull::Item);
  CHECK(item.size() == kMaxItem);
  CHECK_THROWS_AS(source->next(item), std::runtime_error);
  CHECK_THROWS_WITH(source->next(item), Catch::StartsWith("f: an item of more than 16 MiB"));
}
