#include "input/command_line.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <stdexcept>
#include <system_error>

#include "support.h"

using procrun::input::Inputs;
using procrun::input::open_sources;
using procrun::input::Pull;
using procrun::input::SourceSpec;
using procrun::input::split_sources;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;
using procrun::test::write_file;
using Kind = SourceSpec::Kind;
using Words = std::vector<std::string>;

TEST_CASE("without a source all words are the command", "[command_line]") {
  const auto line = split_sources({"grep", "-e", "::", ":::::", "a:::b"});
  CHECK(line.command == Words{"grep", "-e", "::", ":::::", "a:::b"});
  CHECK(line.sources.empty());
  CHECK(split_sources({}).command.empty());
}

TEST_CASE("the sources follow the command", "[command_line]") {
  const auto line =
      split_sources({"echo", "{}", ":::", "a", "", ":::+", "1", "::::", "f", "-", "::::+"});
  CHECK(line.command == Words{"echo", "{}"});
  REQUIRE(line.sources.size() == 4);
  CHECK(line.sources[0].kind == Kind::Values);
  CHECK_FALSE(line.sources[0].linked);
  CHECK(line.sources[0].words == Words{"a", ""});
  CHECK(line.sources[1].kind == Kind::Values);
  CHECK(line.sources[1].linked);
  CHECK(line.sources[1].words == Words{"1"});
  CHECK(line.sources[2].kind == Kind::Files);
  CHECK_FALSE(line.sources[2].linked);
  CHECK(line.sources[2].words == Words{"f", "-"});
  CHECK(line.sources[3].kind == Kind::Files);
  CHECK(line.sources[3].linked);
  CHECK(line.sources[3].words.empty());
}

TEST_CASE("the command may be missing", "[command_line]") {
  const auto line = split_sources({":::", "a"});
  CHECK(line.command.empty());
  CHECK(line.sources.size() == 1);
}

TEST_CASE("each file is a source of its own", "[command_line]") {
  const SameOpenFds guard;
  const TempDir dir;
  write_file(dir / "f", "f1\nf2\n");
  write_file(dir / "g", "g1\ng2\ng3\n");
  const auto first_row = [&](const Words& words, std::size_t& count) {
    Inputs inputs{open_sources(split_sources(words).sources, {})};
    Words first;
    Words row;
    for (count = 0; inputs.next(row) == Pull::Item; ++count) {
      if (count == 0) first = row;
    }
    return first;
  };
  std::size_t count = 0;
  CHECK(first_row({"::::", dir / "f", dir / "g"}, count) == Words{"f1", "g1"});
  CHECK(count == 6);
  CHECK(first_row({":::", "a", "b", "::::+", dir / "f", dir / "g"}, count) ==
        Words{"a", "f1", "g1"});
  CHECK(count == 2);
}

TEST_CASE("opening a fifo does not wait for its writer", "[command_line]") {
  const TempDir dir;
  REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
  auto entries = open_sources({{.kind = Kind::Files, .words = {dir / "fifo"}}}, {});
  auto& source = *entries.at(0).source;
  std::string item;
  CHECK(source.next(item) == Pull::Later);
  {
    const auto writer = procrun::sys::open(dir / "fifo", O_WRONLY);
    CHECK(source.next(item) == Pull::Later);
    REQUIRE(::write(writer.get(), "a\n", 2) == 2);
  }
  CHECK(source.next(item) == Pull::Item);
  CHECK(item == "a");
  CHECK(source.next(item) == Pull::End);
}

TEST_CASE("standard input is one source and stays open", "[command_line]") {
  const SourceSpec once{.kind = Kind::Files, .words = {"-"}};
  CHECK(open_sources({once}, {}).size() == 1);
  CHECK(::fcntl(STDIN_FILENO, F_GETFD) != -1);
  CHECK_THROWS_AS(open_sources({once, once}, {}), std::invalid_argument);
}

TEST_CASE("a source file that is not there is named", "[command_line]") {
  CHECK_THROWS_AS(open_sources({{.kind = Kind::Files, .words = {"/no/such"}}}, {}),
                  std::system_error);
  CHECK_THROWS_WITH(open_sources({{.kind = Kind::Files, .words = {"/no/such"}}}, {}),
                    Catch::Contains("/no/such"));
}
