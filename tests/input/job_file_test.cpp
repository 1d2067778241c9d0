#include "input/job_file.h"

#include <catch2/catch.hpp>

#include "support.h"

using procrun::input::from_values;
using procrun::input::JobFile;
using procrun::input::Pull;
using procrun::input::Row;

namespace {

/// The rows' items, `|` for a barrier.
Row read(const Row& lines) {
  JobFile file{from_values(lines)};
  Row all;
  Row row;
  for (;;) {
    const Pull pull = file.next(row);
    if (pull == Pull::End) return all;
    if (pull == Pull::Item) CHECK(row.size() == 1);
    all.push_back(pull == Pull::Barrier ? "|" : row.at(0));
  }
}

}  // namespace

TEST_CASE("each line of a job file is a row, byte by byte", "[job_file]") {
  CHECK(read({"echo a", "  b  ", "c # d", "e\r", "\xff%%"}) ==
        Row{"echo a", "  b  ", "c # d", "e\r", "\xff%%"});
  CHECK(read({}) == Row{});
}

TEST_CASE("blank lines and comments of a job file are passed over", "[job_file]") {
  CHECK(read({"", " \t", "\r", "# a", "  # b", "#", "c"}) == Row{"c"});
}

TEST_CASE("two percent signs alone in a line of a job file are a barrier", "[job_file]") {
  CHECK(read({"%%", "a", "%%", " %%\r", "b", "%%"}) == Row{"|", "a", "|", "|", "b", "|"});
  CHECK(read({"%%%", "%", "%% a", "a %%"}) == Row{"%%%", "%", "%% a", "a %%"});
}

TEST_CASE("who reads a job file without jobs for long is heard of now and then", "[job_file]") {
  const procrun::test::SameOpenFds guard;
  const std::string line = GENERATE("# no job", "", "%%");
  Row lines(25'000, line);
  lines.push_back("echo");
  JobFile file{from_values(std::move(lines))};
  Row row;
  int pauses = 0;
  for (Pull pull = file.next(row); pull != Pull::Item; pull = file.next(row)) {
    REQUIRE(pull != Pull::End);
    if (pull == Pull::Barrier) continue;
    pollfd readable{.fd = file.wait_fd(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 0) == 1);
    ++pauses;
  }
  CHECK(pauses == 2);
  CHECK(row == Row{"echo"});
  CHECK(file.wait_fd() == -1);
}
