#include "input/job_names.h"

#include <catch2/catch.hpp>
#include <stdexcept>

using procrun::input::JobNames;
using procrun::input::JsonJob;
using Names = std::vector<std::string>;

namespace {

struct Line {
  std::string name;
  Names after;
};

std::shared_ptr<const JsonJob> job(const Line& line, std::size_t number) {
  JsonJob job{.place = "J:" + std::to_string(number), .name = line.name};
  job.after = line.after;
  return std::make_shared<const JsonJob>(std::move(job));
}

const Line kBarrier{"%%", {}};

/// What is said of such a file; empty: nothing.
std::string fault(const std::vector<Line>& lines, JobNames::Of of = JobNames::Of::File) {
  JobNames names{of};
  try {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      if (lines[i].name == kBarrier.name) {
        names.end_section(i + 1);
      } else {
        names.add(job(lines[i], i + 1));
      }
    }
    names.end_section();
    names.end_section();  // whoever asks again is told nothing new
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a job may be after others that stand before or behind it", "[job_names]") {
  CHECK(fault({}) == "");
  CHECK(fault({{"a", {}}, {"b", {"a"}}, {"", {"b", "a"}}, {"", {}}, {"", {}}}) == "");
  CHECK(fault({{"c", {"b", "a"}}, {"b", {"a"}}, {"a", {}}}) == "");
  CHECK(fault({{"a", {}}, kBarrier, {"b", {"a"}}, kBarrier, {"c", {"a", "b"}}}) == "");
}

TEST_CASE("two jobs of one name are refused with both places", "[job_names]") {
  CHECK(fault({{"a", {}}, {"b", {}}, {"a", {}}}) == "J:3: the name 'a' is that of the job in J:1");
  CHECK(fault({{"a", {}}, kBarrier, {"a", {}}}) == "J:3: the name 'a' is that of the job in J:1");
}

TEST_CASE("a job that is after one which there is not is refused, with the one that was meant",
          "[job_names]") {
  CHECK(fault({{"build", {}}, {"", {"biuld"}}}) ==
        "J:2: 'after': no job is called 'biuld'; did you mean 'build'?");
  CHECK(fault({{"", {"far\nfetched"}}}) == "J:1: 'after': no job is called 'far\\nfetched'");
  CHECK(fault({{"a", {}}, {"", {"a", "lost"}}}, JobNames::Of::Choice) ==
        "J:2: 'after': 'lost' is not among the jobs that --skip, --count and --partition leave");
}

TEST_CASE("a job that is after one behind the next barrier is refused", "[job_names]") {
  CHECK(fault({{"a", {"b"}}, kBarrier, {"b", {}}}) ==
        "J:1: 'after': no job before the barrier in line 2 is called 'b', and none behind it "
        "starts before this one has ended");
}

TEST_CASE("jobs that wait for each other are refused by their names", "[job_names]") {
  const std::string says = "'after': these jobs wait for each other: ";
  CHECK(fault({{"a", {"a"}}}) == "J:1: " + says + "a -> a");
  CHECK(fault({{"a", {"b"}}, {"b", {"a"}}}) == "J:1: " + says + "a -> b -> a");
  CHECK(fault({{"x", {}},
               {"", {"c"}},
               {"d", {"x", "a"}},
               {"a", {"x", "b"}},
               {"b", {"c"}},
               {"c", {"a"}}}) == "J:4: " + says + "a -> b -> c -> a");
  CHECK(fault({{"x", {}}, kBarrier, {"a", {"b", "x"}}, {"b", {"a"}}, kBarrier}) ==
        "J:3: " + says + "a -> b -> a");
}

TEST_CASE("a chain of 100,000 jobs is none that waits for itself, until it is closed",
          "[job_names]") {
  constexpr std::size_t kMany = 100'000;
  std::vector<Line> chain;
  for (std::size_t i = 0; i < kMany; ++i) {
    chain.push_back({std::to_string(i), {std::to_string(i + 1)}});
  }
  chain.push_back({std::to_string(kMany), {}});
  CHECK(fault(chain) == "");
  chain.back().after = {"0"};
  CHECK(fault(chain) ==
        "J:1: 'after': these jobs wait for each other: 0 -> 1 -> 2 -> 3 -> 4 -> 5 -> 6 -> 7 -> 8 "
        "-> 9 -> ... -> 0");
}
