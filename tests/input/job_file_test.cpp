#include "input/job_file.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "input/json_job.h"
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

TEST_CASE("a line of JSON in a job file is a row of its label, and says more", "[job_file]") {
  JobFile file{from_values({"echo a", " {\"name\":\"n\",\"argv\":[\"x\"]}\r", "echo b"}), "JOBS"};
  Row row;
  REQUIRE(file.next(row) == Pull::Item);
  CHECK(file.json() == nullptr);
  REQUIRE(file.next(row) == Pull::Item);
  CHECK(row == Row{"n"});
  REQUIRE(file.json() != nullptr);
  CHECK(file.json()->argv == Row{"x"});
  CHECK(file.json()->place == "JOBS:2");
  REQUIRE(file.next(row) == Pull::Item);
  CHECK(file.json() == nullptr);
}

TEST_CASE("what is wrong in a job file is told with its name and the line", "[job_file]") {
  const auto fault = [](const Row& lines) -> std::string {
    JobFile file{from_values(lines), "JOBS"};
    Row row;
    try {
      while (file.next(row) != Pull::End) {
      }
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return {};
  };
  CHECK(fault({"# a", "", "{\"argv\":[]}"}).starts_with("JOBS:3: 'argv' is empty"));
  const std::string a = R"({"name":"a","argv":["x"]})";
  const std::string after_a = R"({"argv":["x"],"after":"a"})";
  CHECK(fault({a, "#", a}) == "JOBS:3: the name 'a' is that of the job in JOBS:1");
  CHECK(fault({"#", after_a}) == "JOBS:2: 'after': no job is called 'a'");
  CHECK(fault({after_a, "#", "%%", a})
            .starts_with("JOBS:1: 'after': no job before the barrier in "
                         "line 3 is called 'a'"));
  CHECK(fault({after_a, a, "%%", after_a}) == "");
}
