// What is kept of jobs' output, and the file that they share.
#include "job/kept.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support.h"
#include "sys/fd.h"
#include "sys/outlet.h"

namespace {

using procrun::job::Captured;
using procrun::job::Kept;
using procrun::job::Spill;
using procrun::test::SameOpenFds;

using Streams = std::array<std::string, 2>;

/// A worker's spill file and who reads it.
class Space {
 public:
  /// What one job keeps of those pieces, of one stream or the other.
  Captured keep(const std::vector<std::pair<int, std::string>>& pieces) {
    spill.begin_job();
    Kept kept{spill};
    for (const auto& [stream, bytes] : pieces) kept.add(stream, bytes);
    return kept.take(128 * 1024);
  }
  /// Reads it, which gives its room back.
  Streams read(const Captured& output) {
    const procrun::sys::Fd out{::memfd_create("out", MFD_CLOEXEC)};
    const procrun::sys::Fd err{::memfd_create("err", MFD_CLOEXEC)};
    procrun::sys::Outlets outlets{out.get(), err.get()};
    procrun::job::pass_on(output, spill.file(), outlets.out(), outlets.err());
    outlets.out().flush();
    outlets.err().flush();
    for (const int fd : {out.get(), err.get()}) ::lseek(fd, 0, SEEK_SET);
    return {procrun::test::read_all(out.get()), procrun::test::read_all(err.get())};
  }
  std::uint64_t size() const {
    struct stat status {};
    ::fstat(file_.get(), &status);
    return static_cast<std::uint64_t>(status.st_size);
  }

 private:
  procrun::sys::Fd file_ = procrun::sys::open_temporary();
  std::array<std::atomic<std::uint64_t>, Spill::kRegions> freed_{};

 public:
  Spill spill{{.fd = file_.get(), .freed = freed_.data()}};
};

std::string filled(std::size_t size, int with) {
  return std::string(size, static_cast<char>('a' + with % 26));
}

}  // namespace

TEST_CASE("where jobs' output is read in time, its file does not grow", "[kept]") {
  const SameOpenFds guard;
  Space space;
  Captured last = space.keep({{1, filled(70'000, 0)}, {1, filled(1'000'000, 0)}});
  for (int job = 1; job < 50; ++job) {
    Captured next = space.keep({{1, filled(70'000, job)}, {1, filled(1'000'000, job)}});
    CHECK((space.read(last)[0] == filled(1'070'000, job - 1)));
    last = std::move(next);
  }
  CHECK(space.size() <= procrun::sys::kWrittenAgain);
}

TEST_CASE("T30: output that nobody has read is not written over, in whatever order it is read",
          "[kept]") {
  const SameOpenFds guard;
  Space space;
  std::mt19937 random{20};  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same each time
  const auto below = [&](std::size_t most) { return random() % most; };
  std::vector<std::pair<Captured, Streams>> unread;
  for (int job = 0; job < 400; ++job) {
    Streams expected;
    std::vector<std::pair<int, std::string>> pieces;
    for (auto count = below(12); count > 0; --count) {
      const int stream = below(4) == 0 ? 2 : 1;
      const auto size = below(3) == 0 ? below(300) : below(300'000);
      pieces.emplace_back(stream, filled(size, static_cast<int>(random() % 26)));
      expected[static_cast<std::size_t>(stream - 1)] += pieces.back().second;
    }
    unread.emplace_back(space.keep(pieces), expected);
    while (unread.size() > below(6)) {
      const auto which = unread.begin() + static_cast<std::ptrdiff_t>(below(unread.size()));
      const Streams got = space.read(which->first);
      REQUIRE((got == which->second));
      unread.erase(which);
    }
  }
}

TEST_CASE("one stream's output in a row is one frame, however much it is", "[kept]") {
  const SameOpenFds guard;
  Space space;
  const Captured output =
      space.keep({{1, filled(60'000, 1)}, {1, filled(60'000, 2)}, {1, filled(500'000, 3)}});
  REQUIRE(output.frames.empty());
  REQUIRE(output.spilled.size() == 1);
  CHECK(output.spilled[0].length == sizeof(std::uint64_t) + 620'000);
}
