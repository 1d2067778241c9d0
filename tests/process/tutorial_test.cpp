// The tutorial's programs, translated line by line. Only what a user includes is used in them.
#include <fmt/core.h>
#include <procrun.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "process/forked.h"
#include "support.h"

using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;

// --- The programs ---

namespace {

int print_getpid() {
  const pid_t ret = procrun::fork();
  if (ret == 0) {
    fmt::print("child process\n");
    fmt::print("{}\n", ::getpid());
  } else {
    fmt::print("Parent process ret={}\n", ret);
    fmt::print("{}\n", ::getpid());
  }
  fmt::print("{}\n", ::getpid());
  return 0;
}

int print_getpid_and_wait() {
  const pid_t ret = procrun::fork();
  if (ret == 0) {
    fmt::print("child process\n");
    fmt::print("{}\n", ::getpid());
  } else {
    fmt::print("Parent process ret={}\n", ret);
    fmt::print("{}\n", ::getpid());
    procrun::wait();
  }
  fmt::print("{}\n", ::getpid());
  return 0;
}

void pro_do(std::string name, std::string func) {
  fmt::print(
      "This is child process {} from parent process {}, and name is  {} which is used for {}\n",
      ::getpid(), ::getppid(), name, func);
}

int process_joined() {
  fmt::print("Parent process id {}\n", ::getpid());
  procrun::Process pro{pro_do, "test", "dev"};
  fmt::print("start child process\n");
  pro.start();
  pro.join();
  fmt::print("Process end\n");
  return 0;
}

int process_not_joined() {
  fmt::print("Parent process id {}\n", ::getpid());
  procrun::Process pro{pro_do, "test", "dev"};
  fmt::print("start child process\n");
  pro.start();
  fmt::print("Process end\n");
  return 0;
}

void pool_do(int process_num) {
  fmt::print("child process id is {}\n", ::getpid());
  procrun::flush_output();  // Python's print to a terminal does it
  ::usleep(static_cast<useconds_t>(6 - process_num) * 10'000);  // seconds there
  fmt::print("this is process {}\n", process_num);
}

int pool(unsigned workers) {
  fmt::print("Current process is {}\n", ::getpid());
  procrun::Pool p{workers};
  for (int i = 0; i < 5; ++i) p.apply_async(pool_do, i);
  p.close();
  p.join();
  fmt::print("pool process done\n");
  return 0;
}

// What a user writes, as the style guide has it.

void greet(std::string name) { fmt::print("Hello {}, this is {}\n", name, ::getpid()); }
int square(int x) { return x * x; }

int user_main() {
  procrun::Process p{greet, "child"};
  p.start();
  p.join();
  procrun::Pool pool{2};
  for (int i = 0; i < 5; ++i) pool.apply_async(square, i);
  pool.close();
  pool.join();
  return 0;
}

// --- What they print ---

using Lines = std::vector<std::string>;

struct Run {
  pid_t pid = 0;
  Lines lines;
};

/// Runs a program in a child, with its stdout in a file as after `> file`.
Run run(int (*program)()) {
  const procrun::sys::Fd file = procrun::sys::open_temporary();
  Run result;
  procrun::test::ForkedChild child{[&](int) {
    ::dup2(file.get(), 1);
    ::fcntl(1, F_SETFL, O_APPEND);
    return program();
  }};
  result.pid = child.pid();
  CHECK(child.finish().exited(0));
  // A parent that did not wait leaves a child that still prints: it has come to us.
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  ::lseek(file.get(), 0, SEEK_SET);
  std::istringstream text{procrun::test::read_all(file.get())};
  for (std::string line; std::getline(text, line);) result.lines.push_back(line);
  return result;
}

std::size_t count(const Lines& lines, const std::string& line) {
  return static_cast<std::size_t>(std::count(lines.begin(), lines.end(), line));
}

/// Where `line` stands; it must be there once.
std::ptrdiff_t at(const Lines& lines, const std::string& line) {
  CAPTURE(lines, line);
  REQUIRE(count(lines, line) == 1);
  return std::find(lines.begin(), lines.end(), line) - lines.begin();
}

/// The number behind a prefix, of the only line that begins with it.
std::string behind(const Lines& lines, const std::string& prefix) {
  for (const auto& line : lines) {
    if (line.starts_with(prefix)) return line.substr(prefix.size());
  }
  return "none";
}

}  // namespace

TEST_CASE("the tutorial's fork prints each process's lines once, in a file too", "[tutorial]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const auto [pid, lines] = run(print_getpid);
  CAPTURE(lines);
  const std::string parent = std::to_string(pid);
  const std::string child = behind(lines, "Parent process ret=");
  REQUIRE(lines.size() == 6);
  CHECK(count(lines, parent) == 2);
  CHECK(count(lines, child) == 2);
  CHECK(count(lines, "child process") == 1);
}

TEST_CASE("the tutorial's wait makes the parent's last line the very last", "[tutorial]") {
  const NoChildLeft guard;
  const auto [pid, lines] = run(print_getpid_and_wait);
  CAPTURE(lines);
  const std::string parent = std::to_string(pid);
  const std::string child = behind(lines, "Parent process ret=");
  REQUIRE(lines.size() == 6);
  CHECK(count(lines, child) == 2);
  CHECK(count(lines, parent) == 2);
  CHECK(lines.back() == parent);
}

TEST_CASE("the tutorial's process tells its story in order when it is joined", "[tutorial]") {
  const NoChildLeft guard;
  const auto [pid, lines] = run(process_joined);
  CAPTURE(lines);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == fmt::format("Parent process id {}", pid));
  CHECK(lines[1] == "start child process");
  CHECK_THAT(lines[2], Catch::StartsWith("This is child process ") &&
                           Catch::EndsWith(fmt::format(" from parent process {}, and name is  test "
                                                       "which is used for dev",
                                                       pid)));
  CHECK(lines[3] == "Process end");
}

TEST_CASE("the tutorial's process that is not joined still prints its line, once", "[tutorial]") {
  const NoChildLeft guard;
  const auto [pid, lines] = run(process_not_joined);
  CAPTURE(lines);
  REQUIRE(lines.size() == 4);
  CHECK(lines[0] == fmt::format("Parent process id {}", pid));
  CHECK(lines[1] == "start child process");
  CHECK(count(lines, "Process end") == 1);
  CHECK(behind(lines, "This is child process ") != "none");
}

TEST_CASE("the tutorial's pool runs every task once on the workers that it has", "[tutorial]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const auto [pid, lines] = run([] { return pool(2); });
  CAPTURE(lines);
  REQUIRE(lines.size() == 12);
  CHECK(lines.front() == fmt::format("Current process is {}", pid));
  CHECK(lines.back() == "pool process done");
  for (int task = 0; task < 5; ++task) at(lines, fmt::format("this is process {}", task));
  std::map<std::string, int> tasks_of;
  for (const auto& line : lines) {
    if (line.starts_with("child process id is ")) ++tasks_of[line];
  }
  CHECK(tasks_of.size() <= 2);
  CHECK_FALSE(tasks_of.contains(fmt::format("child process id is {}", pid)));
}

TEST_CASE("the tutorial's pool of two has two tasks begun before the first one ends",
          "[tutorial]") {
  const NoChildLeft guard;
  const auto [pid, lines] = run([] { return pool(2); });
  CAPTURE(lines);
  // At any line, no more tasks have begun and not ended than there are workers.
  int running = 0;
  for (const auto& line : lines) {
    if (line.starts_with("child process id is ")) ++running;
    if (line.starts_with("this is process ")) --running;
    CHECK(running >= 0);
    CHECK(running <= 2);
  }
}

TEST_CASE("the tutorial's pool of five runs every task once", "[tutorial]") {
  const NoChildLeft guard;
  const auto [pid, lines] = run([] { return pool(5); });
  CAPTURE(lines);
  REQUIRE(lines.size() == 12);
  for (int task = 0; task < 5; ++task) {
    CHECK(at(lines, fmt::format("this is process {}", task)) < at(lines, "pool process done"));
  }
}

TEST_CASE("what the style guide has a user write runs as it stands", "[tutorial]") {
  const NoChildLeft guard;
  const NoDescendantLeft descendant_guard;
  const SameOpenFds fd_guard;
  const auto [pid, lines] = run(user_main);
  CAPTURE(lines);
  REQUIRE(lines.size() == 1);
  CHECK_THAT(lines[0], Catch::StartsWith("Hello child, this is "));
  CHECK(behind(lines, "Hello child, this is ") != std::to_string(pid));
}
