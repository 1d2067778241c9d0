#include "engine/printer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::engine::Printer;
using procrun::job::Captured;
using procrun::test::SameOpenFds;

namespace {

/// A frame of stream 1 or 2.
std::string frame(int stream, const std::string& bytes) {
  const std::uint64_t header = bytes.size() | (stream == 2 ? Captured::kStderr : 0);
  std::string text(sizeof header, '\0');
  std::memcpy(text.data(), &header, sizeof header);
  return text + bytes;
}

Captured in_memory(const std::string& frames) { return {.frames = frames}; }

/// A printer onto two files.
struct Press {
  explicit Press(bool keep_order) : printer{out, err, keep_order} {}

  std::string printed(const sys::Fd& file) {
    out.flush();
    err.flush();
    ::lseek(file.get(), 0, SEEK_SET);
    return procrun::test::read_all(file.get());
  }
  std::string stdout_text() { return printed(out_file); }
  std::string stderr_text() { return printed(err_file); }

  sys::Fd out_file = sys::open_temporary();
  sys::Fd err_file = sys::open_temporary();
  sys::Outlet out{out_file.get(), "standard output"};
  sys::Outlet err{err_file.get(), "standard error"};
  Printer printer;
};

/// Bytes that lie in nameless files of this process.
std::uint64_t in_nameless_files() {
  std::uint64_t sum = 0;
  for (int fd = 3; fd < 256; ++fd) {
    struct stat status {};
    const bool nameless =
        ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 0;
    if (nameless) sum += static_cast<std::uint64_t>(status.st_size);
  }
  return sum;
}

}  // namespace

TEST_CASE("without an order to keep each job is printed when it comes", "[printer]") {
  const SameOpenFds guard;
  Press press{false};
  for (const int seq : {3, 1, 2}) {
    press.printer.print(static_cast<std::uint64_t>(seq),
                        in_memory(frame(1, std::to_string(seq) + "\n")), {});
  }
  CHECK(press.stdout_text() == "3\n1\n2\n");
}

TEST_CASE("each stream goes to its own", "[printer]") {
  const SameOpenFds guard;
  Press press{false};
  press.printer.print(1, in_memory(frame(1, "a") + frame(2, "b") + frame(1, "c") + frame(2, "")),
                      {});
  CHECK(press.stdout_text() == "ac");
  CHECK(press.stderr_text() == "b");
}

TEST_CASE("jobs are printed in their order where that is kept", "[printer]") {
  const SameOpenFds guard;
  Press press{true};
  press.printer.print(3, in_memory(frame(1, "3\n")), {});
  press.printer.print(2, in_memory(""), {});
  CHECK(press.stdout_text() == "");
  press.printer.print(1, in_memory(frame(1, "1\n")), {});
  CHECK(press.stdout_text() == "1\n3\n");
  press.printer.print(4, in_memory(frame(1, "4\n")), {});
  CHECK(press.stdout_text() == "1\n3\n4\n");
}

TEST_CASE("any order of ends gives the order of the jobs", "[printer]") {
  const SameOpenFds guard;
  std::mt19937 random{7};
  for (int round = 0; round < 20; ++round) {
    Press press{true};
    std::vector<std::uint64_t> ends;
    std::string expected;
    for (std::uint64_t seq = 1; seq <= 30; ++seq) {
      ends.push_back(seq);
      if (seq % 4 != 0) expected += std::to_string(seq) + "\n";
    }
    std::shuffle(ends.begin(), ends.end(), random);
    for (const auto seq : ends) {
      press.printer.print(seq, in_memory(seq % 4 == 0 ? "" : frame(1, std::to_string(seq) + "\n")),
                          {});
    }
    CHECK(press.stdout_text() == expected);
  }
}

TEST_CASE("what waits for jobs that never come is printed at the end", "[printer]") {
  const SameOpenFds guard;
  Press press{true};
  press.printer.print(5, in_memory(frame(1, "5\n")), {});
  press.printer.print(3, in_memory(frame(1, "3\n")), {});
  press.printer.finish();
  CHECK(press.stdout_text() == "3\n5\n");
}

TEST_CASE("T33: what waits for a slow first job goes to a file beyond a mebibyte", "[printer]") {
  const SameOpenFds guard;
  Press press{true};
  const std::size_t size = 60'000;
  for (std::uint64_t seq = 2; seq <= 101; ++seq) {
    press.printer.print(seq, in_memory(frame(1, std::string(size, static_cast<char>(seq)))), {});
  }
  CHECK(in_nameless_files() >= 100 * size - 1024 * 1024);
  press.printer.print(1, in_memory(frame(1, "first")), {});
  std::string expected = "first";
  for (std::uint64_t seq = 2; seq <= 101; ++seq) expected.append(size, static_cast<char>(seq));
  CHECK((press.stdout_text() == expected));
}

TEST_CASE("spilled output is printed from its file, whenever its turn comes", "[printer]") {
  const SameOpenFds guard;
  const bool keep_order = GENERATE(false, true);
  const std::string large(300'000, 'x');
  const std::string frames = frame(1, large) + frame(2, "error\n") + frame(1, "end\n");
  const sys::Fd spill = sys::open_temporary();
  procrun::test::say(spill.get(), "hole" + frames);
  Press press{keep_order};
  press.printer.print(2, {.frames = {}, .spilled = {{4, frames.size()}}}, {spill.get()});
  press.printer.print(1, in_memory(frame(1, "first\n")), {});
  const std::string out = press.stdout_text();
  CHECK((out == (keep_order ? "first\n" + large + "end\n" : large + "end\nfirst\n")));
  CHECK(press.stderr_text() == "error\n");
}

TEST_CASE("a spill file that is too short is an error, not a shorter output", "[printer]") {
  const SameOpenFds guard;
  const sys::Fd spill = sys::open_temporary();
  procrun::test::say(spill.get(), frame(1, "whole").substr(0, 4));
  Press press{false};
  CHECK_THROWS_AS(press.printer.print(1, {.frames = {}, .spilled = {{0, 13}}}, {spill.get()}),
                  std::system_error);
}

TEST_CASE("T31: a disk that is full while output waits is an error", "[printer]") {
  const procrun::test::NoChildLeft guard;
  const auto end = procrun::test::in_child([](int report) {
    ::setenv("TMPDIR", "/no/such/directory", 1);
    const sys::Fd null = sys::open("/dev/null", O_WRONLY);
    sys::Outlet out{null.get(), "standard output"};
    Printer printer{out, out, true};
    try {
      for (std::uint64_t seq = 2; seq <= 101; ++seq) {
        printer.print(seq, in_memory(frame(1, std::string(60'000, 'x'))), {});
      }
    } catch (const std::system_error& error) {
      procrun::test::say(report, error.what());
      return 0;
    }
    return 1;
  });
  CHECK(end.exited(0));
  CHECK_THAT(end.report, Catch::Contains("/no/such/directory"));
}
