#include "process/process.h"

#include <signal.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <memory>
#include <stdexcept>
#include <string>

#include "process/fork.h"
#include "process/forked.h"
#include "support.h"
#include "sys/fd.h"

using namespace std::chrono_literals;
using procrun::Process;
using procrun::test::ForkedChild;
using procrun::test::in_child;
using procrun::test::NoChildLeft;
using procrun::test::SameOpenFds;
namespace sys = procrun::sys;

namespace {

void sleep_for_ever() {
  for (;;) ::pause();
}

void write_sum(int fd, int a, const std::string& b) {
  procrun::test::say(fd, std::to_string(a) + b);
}

std::optional<int> exitcode_of(Process process) {
  process.start();
  process.join();
  return process.exitcode();
}

}  // namespace

TEST_CASE("a target runs with its arguments in a child of its own", "[process]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Fd file = sys::open_temporary();
  Process process{write_sum, file.get(), 7, "seven"};
  process.start();
  process.join();
  ::lseek(file.get(), 0, SEEK_SET);
  CHECK(procrun::test::read_all(file.get()) == "7seven");
}

TEST_CASE("what a target changes is its copy", "[process]") {
  const NoChildLeft guard;
  int value = 1;
  Process process{[&value] { value = 2; }};
  process.start();
  process.join();
  CHECK(value == 1);
}

TEST_CASE("a target that cannot be copied by its arguments' type still runs", "[process]") {
  const NoChildLeft guard;
  CHECK(exitcode_of(Process{[shared = std::make_shared<int>(3)] {
          if (*shared != 3) throw std::runtime_error{"lost"};
        }}) == 0);
}

TEST_CASE("the exit code tells a return from an exception and a kill", "[process]") {
  const NoChildLeft guard;
  const auto silent = [](auto target) {
    return Process{[target] {
      ::close(2);
      target();
    }};
  };
  CHECK(exitcode_of(Process{[] {}}) == 0);
  CHECK(exitcode_of(silent([] { throw std::runtime_error{"no"}; })) == 1);
  CHECK(exitcode_of(silent([] { throw 5; })) == 1);
  CHECK(exitcode_of(Process{[] { ::_exit(42); }}) == 42);
  CHECK(exitcode_of(Process{[] { ::raise(SIGKILL); }}) == -SIGKILL);
}

TEST_CASE("what a target throws is told on stderr", "[process]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 2);
    Process process{[] { throw std::runtime_error{"no such luck"}; }};
    process.start();
    const pid_t pid = process.pid();
    process.join();
    procrun::test::say(2, std::to_string(pid));
    return process.exitcode().value();
  });
  CHECK(end.exited(1));
  const auto pid = end.report.substr(end.report.find('\n') + 1);
  CHECK(end.report == "procrun: child " + pid + ": no such luck\n" + pid);
}

TEST_CASE("a process can be started only once", "[process]") {
  const NoChildLeft guard;
  Process process{[] {}};
  process.start();
  CHECK_THROWS_AS(process.start(), std::logic_error);
  process.join();
  CHECK_THROWS_AS(process.start(), std::logic_error);
}

TEST_CASE("a process that was not started cannot be joined or ended", "[process]") {
  Process process{[] {}};
  CHECK_THROWS_AS(process.join(), std::logic_error);
  CHECK_THROWS_AS(process.join(1ms), std::logic_error);
  CHECK_THROWS_AS(process.terminate(), std::logic_error);
  CHECK_THROWS_AS(process.kill(), std::logic_error);
  CHECK_FALSE(process.is_alive());
  CHECK_FALSE(process.exitcode());
  CHECK(process.pid() == 0);
}

TEST_CASE("a process that was never started is not run by its end", "[process]") {
  const NoChildLeft guard;
  const sys::Fd file = sys::open_temporary();
  { const Process process{write_sum, file.get(), 1, "x"}; }
  CHECK(::lseek(file.get(), 0, SEEK_END) == 0);
}

TEST_CASE("a process can be joined twice", "[process]") {
  const NoChildLeft guard;
  Process process{[] {}};
  process.start();
  process.join();
  process.join();
  CHECK(process.join(1ms));
  CHECK(process.exitcode() == 0);
}

TEST_CASE("processes are named in the order in which they are made, unless named", "[process]") {
  const Process first{[] {}};
  const Process second{[] {}};
  REQUIRE_THAT(first.name(), Catch::StartsWith("Process-"));
  REQUIRE_THAT(second.name(), Catch::StartsWith("Process-"));
  CHECK(std::stoi(second.name().substr(8)) == std::stoi(first.name().substr(8)) + 1);
  Process named{[] {}};
  named.set_name("test");
  CHECK(named.name() == "test");
}

TEST_CASE("a running process is alive and has no exit code", "[process]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Process process{sleep_for_ever};
  process.start();
  CHECK(process.is_alive());
  CHECK_FALSE(process.exitcode());
  CHECK(process.pid() > 0);
  CHECK_FALSE(process.join(5ms));
  process.terminate();
  process.join();
  CHECK_FALSE(process.is_alive());
  CHECK(process.exitcode() == -SIGTERM);
}

TEST_CASE("a process that does not listen can be killed", "[process]") {
  const NoChildLeft guard;
  Process process{[] {
    ::signal(SIGTERM, SIG_IGN);
    sleep_for_ever();
  }};
  process.start();
  process.kill();
  process.join();
  CHECK(process.exitcode() == -SIGKILL);
  process.terminate();  // does nothing
  process.kill();
}

TEST_CASE("what was started is joined when its process goes", "[process]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  const sys::Fd file = sys::open_temporary();
  {
    Process process{[fd = file.get()] {
      for (int i = 0; i < 1000; ++i) ::getppid();
      procrun::test::say(fd, "done");
    }};
    process.start();
  }
  ::lseek(file.get(), 0, SEEK_SET);
  CHECK(procrun::test::read_all(file.get()) == "done");
}

TEST_CASE("a process moves with its child", "[process]") {
  const NoChildLeft guard;
  const SameOpenFds fd_guard;
  Process first{sleep_for_ever};
  first.start();
  const pid_t pid = first.pid();
  Process second{std::move(first)};
  CHECK(second.pid() == pid);
  CHECK(second.is_alive());
  second.kill();
}

TEST_CASE("a process is joined only by the process that started it", "[process]") {
  const NoChildLeft guard;
  Process process{sleep_for_ever};
  process.start();
  const auto end = in_child([&](int) {
    try {
      process.join();
    } catch (const std::logic_error&) {
      return 0;
    }
    return 1;
  });
  CHECK(end.exited(0));
  CHECK(process.is_alive());
  process.kill();
}

TEST_CASE("T1: what stdio has buffered is not printed twice by a process", "[process]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    ::dup2(report, 1);
    std::printf("parent ");
    Process process{[] { std::printf("child "); }};
    process.start();
    process.join();
    std::printf("end");
    return 0;
  });
  CHECK(end.report == "parent child end");
}

TEST_CASE("a target does not run the destructors of its parent", "[process]") {
  const NoChildLeft guard;
  const auto end = in_child([](int report) {
    struct Tells {
      int fd;
      ~Tells() { procrun::test::say(fd, "destroyed "); }
    };
    const Tells tells{report};
    Process process{[] {}};
    process.start();
    process.join();
    return 0;
  });
  CHECK(end.report == "destroyed ");
}

TEST_CASE("a target may itself start processes", "[process]") {
  const NoChildLeft guard;
  CHECK(exitcode_of(Process{[] {
          Process inner{[] { ::_exit(3); }};
          inner.start();
          inner.join();
          ::_exit(inner.exitcode().value());
        }}) == 3);
}
