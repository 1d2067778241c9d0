#include "engine/jobserver.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <stdexcept>

#include "process/forked.h"
#include "support.h"

namespace sys = procrun::sys;
using procrun::engine::JobserverClient;
using procrun::engine::JobserverServer;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;

namespace {

/// As make has it: a pipe that is not close-on-exec.
struct MakePipe {
  explicit MakePipe(const std::string& tokens) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    read = sys::Fd{ends[0]};
    write = sys::Fd{ends[1]};
    procrun::test::say(write.get(), tokens);
  }
  std::string address() const {
    return std::to_string(read.get()) + ',' + std::to_string(write.get());
  }

  sys::Fd read;
  sys::Fd write;
};

int count_in(int fd) {
  int count = 0;
  REQUIRE(::ioctl(fd, FIONREAD, &count) == 0);
  return count;
}

/// $TMPDIR while it lives.
class TemporaryIn {
 public:
  explicit TemporaryIn(const std::string& path) {
    if (const char* const set = std::getenv("TMPDIR")) before_ = set;
    ::setenv("TMPDIR", path.c_str(), 1);
  }
  ~TemporaryIn() {
    if (before_) ::setenv("TMPDIR", before_->c_str(), 1);
    if (!before_) ::unsetenv("TMPDIR");
  }
  TemporaryIn(const TemporaryIn&) = delete;
  TemporaryIn& operator=(const TemporaryIn&) = delete;

 private:
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("T26: a token is the byte that was read, and goes back as that byte", "[jobserver]") {
  const SameOpenFds guard;
  const MakePipe pipe{"x"};
  JobserverClient client{pipe.address()};
  CHECK(client.has_token());
  const auto token = client.take();
  CHECK(token == 'x');
  CHECK_FALSE(client.has_token());
  CHECK_FALSE(client.take());
  client.give(*token);
  CHECK(client.take() == 'x');
}

TEST_CASE("the pipe of the jobserver goes on blocking for the others", "[jobserver]") {
  const SameOpenFds guard;
  const MakePipe pipe{"++"};
  JobserverClient client{pipe.address()};
  client.give(*client.take());
  CHECK((::fcntl(pipe.read.get(), F_GETFL) & O_NONBLOCK) == 0);
  CHECK((::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("descriptors that are not the jobserver's pipe are refused", "[jobserver]") {
  const SameOpenFds guard;
  const MakePipe pipe{""};
  const std::string r = std::to_string(pipe.read.get());
  const std::string w = std::to_string(pipe.write.get());
  const sys::Fd file = sys::open("/dev/null", O_RDWR);
  const std::string null = std::to_string(file.get());
  for (const std::string& address :
       {w + ',' + r, null + ',' + null, r + ",9999", "9999," + w, std::string{"-2,-2"}, r, r + ',',
        r + ',' + w + 'x', std::string{"semaphore"}, std::string{","}}) {
    CAPTURE(address);
    CHECK_THROWS_AS(JobserverClient{address}, std::exception);
  }
  SECTION("nor is one that was not handed to us") {
    const sys::Pipe ours = sys::make_pipe();
    CHECK_THROWS_AS(
        (JobserverClient{std::to_string(ours.read.get()) + ',' + std::to_string(ours.write.get())}),
        std::invalid_argument);
  }
}

TEST_CASE("what is no fifo is refused as one", "[jobserver]") {
  const SameOpenFds guard;
  const TempDir dir;
  procrun::test::write_file(dir / "file", "");
  CHECK_THROWS_AS(JobserverClient{"fifo:" + dir / "file"}, std::invalid_argument);
  CHECK_THROWS_AS(JobserverClient{"fifo:" + dir / "missing"}, std::system_error);
}

TEST_CASE("a jobserver holds a token for each job but the first", "[jobserver]") {
  const SameOpenFds guard;
  const unsigned jobs = GENERATE(1U, 2U, 5U, 100'000U);
  const JobserverServer server{jobs};
  CHECK(count_in(server.address().read) == static_cast<int>(jobs) - 1);
  JobserverClient client{"fifo:" + server.fifo()};
  CHECK(client.has_token() == (jobs > 1));
}

TEST_CASE("the directory of a jobserver is for its owner alone and goes with it", "[jobserver]") {
  const SameOpenFds guard;
  const TempDir dir;
  const TemporaryIn temporary{dir.path()};
  {
    const JobserverServer server{2};
    CHECK(server.fifo().starts_with(dir.path().string()));
    struct stat status {};
    REQUIRE(::stat(std::filesystem::path{server.fifo()}.parent_path().c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0700);
  }
  CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("a jobserver's path has nothing in it that MAKEFLAGS could not hold", "[jobserver]") {
  const SameOpenFds guard;
  const TempDir dir;
  for (const char* name : {"with space", "a$b", "a\\b", "a'b"}) {
    CAPTURE(name);
    std::filesystem::create_directory(dir / name);
    const TemporaryIn temporary{dir / name};
    CHECK(JobserverServer{2}.fifo().starts_with("/tmp/procrun-"));
  }
}

TEST_CASE("a jobserver makes up for tokens that were lost, and says how many", "[jobserver]") {
  const SameOpenFds guard;
  JobserverServer server{4};
  JobserverClient client{"fifo:" + server.fifo()};
  CHECK(server.make_whole() == 0);
  client.take();
  client.take();
  CHECK(server.make_whole() == 2);
  CHECK(count_in(server.address().read) == 3);
  SECTION("and takes away what is too much") {
    client.give('+');
    CHECK(server.make_whole() == 0);
    CHECK(count_in(server.address().read) == 3);
  }
}

TEST_CASE("a jobserver serves through its descriptors as through its fifo", "[jobserver]") {
  const SameOpenFds guard;
  const JobserverServer server{2};
  const auto address = server.address();
  JobserverClient by_pipe{std::to_string(address.read) + ',' + std::to_string(address.write)};
  JobserverClient by_fifo{"fifo:" + address.fifo};
  const auto token = by_pipe.take();
  REQUIRE(token);
  CHECK_FALSE(by_fifo.has_token());
  by_pipe.give(*token);
  CHECK(by_fifo.has_token());
}
