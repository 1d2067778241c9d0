#include "sys/fd.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <system_error>

#include "process/forked.h"
#include "support.h"
#include "sys/error.h"

namespace sys = procrun::sys;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::NoDescendantLeft;
using procrun::test::SameOpenFds;
using procrun::test::TempDir;

namespace {

bool is_open(int fd) { return ::fcntl(fd, F_GETFD) != -1; }
bool close_on_exec(int fd) { return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0; }

/// Sets a variable while it lives.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_{name} {
    if (const char* const before = std::getenv(name)) before_ = before;
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() {
    if (before_) {
      ::setenv(name_, before_->c_str(), 1);
    } else {
      ::unsetenv(name_);
    }
  }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

}  // namespace

TEST_CASE("a descriptor is closed when its owner goes", "[fd]") {
  const SameOpenFds guard;
  int number = -1;
  {
    const sys::Fd fd = sys::open("/dev/null", O_RDONLY);
    number = fd.get();
    CHECK(is_open(number));
  }
  CHECK_FALSE(is_open(number));
}

TEST_CASE("a moved descriptor has one owner", "[fd]") {
  const SameOpenFds guard;
  sys::Fd first = sys::open("/dev/null", O_RDONLY);
  const int number = first.get();
  const sys::Fd second = std::move(first);
  CHECK_FALSE(first);  // NOLINT(bugprone-use-after-move): what is left is the promise
  CHECK(second.get() == number);
  CHECK(is_open(number));
}

TEST_CASE("a descriptor that another is assigned to is closed first", "[fd]") {
  const SameOpenFds guard;
  sys::Fd fd = sys::open("/dev/null", O_RDONLY);
  const int old = fd.get();
  sys::Fd other = sys::open("/dev/null", O_RDONLY);
  const int number = other.get();
  fd = std::move(other);
  CHECK_FALSE(is_open(old));
  CHECK(fd.get() == number);
}

TEST_CASE("a descriptor assigned to itself stays open", "[fd]") {
  const SameOpenFds guard;
  sys::Fd fd = sys::open("/dev/null", O_RDONLY);
  sys::Fd& same = fd;
  fd = std::move(same);
  CHECK(is_open(fd.get()));
}

TEST_CASE("a released descriptor is not closed", "[fd]") {
  const SameOpenFds guard;
  sys::Fd fd = sys::open("/dev/null", O_RDONLY);
  const int number = fd.release();
  CHECK_FALSE(fd);
  CHECK(is_open(number));
  ::close(number);
}

TEST_CASE("T28: both ends of a pipe are close-on-exec from birth", "[fd]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  CHECK(close_on_exec(pipe.read.get()));
  CHECK(close_on_exec(pipe.write.get()));
}

TEST_CASE("a pipe's end that does not block leaves the other end blocking", "[fd]") {
  const SameOpenFds guard;
  const sys::Pipe pipe = sys::make_pipe();
  sys::set_nonblocking(pipe.read.get());
  char byte = 0;
  CHECK(::read(pipe.read.get(), &byte, 1) == -1);
  CHECK(errno == EAGAIN);
  CHECK((::fcntl(pipe.write.get(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("T28: an opened file is close-on-exec", "[fd]") {
  const SameOpenFds guard;
  CHECK(close_on_exec(sys::open("/dev/null", O_RDONLY).get()));
}

TEST_CASE("a file that cannot be opened is named", "[fd]") {
  const SameOpenFds guard;
  CHECK_THROWS_WITH(sys::open("/no/such/file", O_RDONLY),
                    Catch::Contains("/no/such/file") && Catch::Contains("No such file"));
  CHECK_THROWS_AS(sys::open("/no/such/file", O_RDONLY), std::system_error);
}

TEST_CASE("a duplicate is close-on-exec and keeps clear of the standard descriptors", "[fd]") {
  const NoChildLeft child_guard;
  const SameOpenFds guard;
  const auto end = in_child([](int) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    const sys::Fd file = sys::open("/dev/null", O_RDONLY);
    const sys::Fd copy = sys::duplicate(file.get());
    return file.get() == 0 && copy.get() >= 3 && close_on_exec(copy.get()) ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("a descriptor that is not open cannot be duplicated", "[fd]") {
  CHECK_THROWS_WITH(sys::duplicate(9999), Catch::Contains("9999"));
}

TEST_CASE("T32: a temporary file has no name that anyone could guess", "[fd]") {
  const TempDir dir;
  const SameOpenFds guard;
  const Variable variable{"TMPDIR", dir.path().string()};
  const sys::Fd file = sys::open_temporary();
  struct stat status {};
  REQUIRE(::fstat(file.get(), &status) == 0);
  CHECK(status.st_nlink == 0);
  CHECK(std::filesystem::is_empty(dir.path()));
  CHECK(close_on_exec(file.get()));
}

TEST_CASE("a temporary file can be written and read back", "[fd]") {
  const SameOpenFds guard;
  const sys::Fd file = sys::open_temporary();
  REQUIRE(::pwrite(file.get(), "text", 4, 100) == 4);
  char text[4];
  REQUIRE(::pread(file.get(), text, 4, 100) == 4);
  CHECK(std::string(text, 4) == "text");
}

TEST_CASE("a temporary file that cannot be made names its directory", "[fd]") {
  const SameOpenFds guard;
  const Variable variable{"TMPDIR", "/no/such/directory"};
  CHECK_THROWS_WITH(sys::open_temporary(), Catch::Contains("/no/such/directory"));
}

TEST_CASE("closed standard descriptors are occupied, so that no file lands on them", "[fd]") {
  const NoChildLeft child_guard;
  const auto end = in_child([](int) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    sys::occupy_closed_stdio();
    return sys::open("/dev/null", O_RDONLY).get() >= 3 ? 0 : 1;
  });
  CHECK(end.exited(0));
}

TEST_CASE("using an occupied standard descriptor fails as using a closed one does", "[fd]") {
  const NoChildLeft child_guard;
  const auto end = in_child([](int) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    sys::occupy_closed_stdio();
    char byte = 0;
    if (::read(0, &byte, 1) != -1 || errno != EBADF) return 1;
    for (const int fd : {1, 2}) {
      if (::write(fd, "x", 1) != -1 || errno != EBADF) return 2;
    }
    return 0;
  });
  CHECK(end.exited(0));
}

TEST_CASE("standard descriptors that are open are left alone", "[fd]") {
  const NoChildLeft child_guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    ::close(2);
    sys::occupy_closed_stdio();
    procrun::test::say(1, "mine");
    return 0;
  });
  CHECK(end.report == "mine");
}
